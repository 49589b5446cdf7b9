"""PyPI's `auth0-python`, one version: the one that PYTHONPATH has. A line of JSON in, a line of JSON out, one call after
another; `run.mjs` has what is in them."""
import json
import sys
import time

from auth0 import __version__

if __version__.startswith("4."):
    from auth0.management import Auth0

    def client(call):
        return Auth0(call["domain"], call["token"]).users

    CALLS = {
        "link": lambda users, call: users.link_user_account(call["id"], {"link_with": call["secondary"]}),
        "unlink": lambda users, call: users.unlink_user_account(call["id"], call["provider"], call["of"]),
        "get": lambda users, call: users.get(call["id"]),
        "fields": lambda users, call: users.get(call["id"], fields=[call["fields"]], include_fields=True),
    }
else:
    from auth0.management import ManagementClient

    def client(call):
        return ManagementClient(domain=call["domain"], token=call["token"]).users

    CALLS = {
        "link": lambda users, call: users.identities.link(call["id"], link_with=call["secondary"]),
        "unlink": lambda users, call: users.identities.delete(call["id"], call["provider"], call["of"]),
        "get": lambda users, call: users.get(call["id"]),
        "fields": lambda users, call: users.get(call["id"], fields=call["fields"], include_fields=True),
    }


def plain(value):
    """A model of theirs as JSON has it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return json.loads(value.json(exclude_unset=True, by_alias=True)) if hasattr(value, "json") else value


def shown(error):
    """What an application sees of an error: its class, and the members that have a text or a number."""
    body = getattr(error, "body", None)
    body = body if isinstance(body, dict) else {}
    return {
        "type": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "error_code", None) or body.get("errorCode"),
        "message": getattr(error, "message", None) or body.get("message") or str(error),
    }


for line in sys.stdin:
    call = json.loads(line)
    began = time.monotonic()
    try:
        outcome = {"value": plain(CALLS[call["op"]](client(call), call))}
    except Exception as error:
        outcome = {"error": shown(error), "raw": str(error)[:300]}
    outcome["ms"] = round((time.monotonic() - began) * 1000)
    print(json.dumps(outcome), flush=True)
