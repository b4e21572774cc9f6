"""The WSGI application, served by gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from logix.environment import settings_or_exit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logix.settings")
settings_or_exit()

application = get_wsgi_application()
