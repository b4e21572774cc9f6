"""A simulated WordPress whose webhooks can be changed and removed too."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass

from tests.integrations.kit.server import Request, answer
from tests.integrations.wordpress import WordPress, refusal

_HOOKS = "/wp-json/wc/v3/webhooks/"


@dataclass
class Shop(WordPress):
    def _serve(self, request: Request, sock: socket.socket) -> None:
        if request.method in {"PUT", "DELETE"} and request.path.startswith(_HOOKS):
            sock.sendall(self._refuses(request) or self._hook(request))
        else:
            super()._serve(request, sock)

    def _hook(self, request: Request) -> bytes:
        number = request.path.removeprefix(_HOOKS)
        found = next((hook for hook in self.hooks if str(hook["id"]) == number), None)
        if found is None:
            return refusal(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
        if request.method == "DELETE":
            self.hooks.remove(found)
        else:
            found |= json.loads(request.body)
        return answer(200, found)
