"""Where stores deliver their webhooks; mounted at ``api/v1/``. Both slash forms answer: a redirect
loses the event.
"""

from django.urls import path

from webhooks import views

app_name = "webhooks"

urlpatterns = [
    path("<slug:platform>/webhooks/receive", views.receive_shared, name="receive-bare"),
    path("<slug:platform>/webhooks/receive/", views.receive_shared),
    path("<slug:platform>/webhooks/receive/<str:token>", views.receive, name="receive"),
    path("<slug:platform>/webhooks/receive/<str:token>/", views.receive),
]
