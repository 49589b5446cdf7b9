"""PyPI's `auth0-python` in the version that PYTHONPATH has, as a process. It answers calls, a line of JSON each."""

import json
import sys
import time
from functools import reduce

import auth0

# The calls as each version's documentation has them.
if auth0.__version__.startswith("4."):
    from auth0.management import Auth0

    def users(call):
        return Auth0(call["domain"], call["token"]).users

    CALLS = {
        "link": lambda call: users(call).link_user_account(call["id"], {"link_with": call["proof"]}),
        "unlink": lambda call: users(call).unlink_user_account(call["id"], call["provider"], call["of"]),
        "get": lambda call: users(call).get(call["id"]),
        "fields": lambda call: users(call).get(call["id"], fields=[call["fields"]], include_fields=True),
    }
else:
    from auth0.management import ManagementClient

    def users(call):
        return ManagementClient(domain=call["domain"], token=call["token"]).users

    CALLS = {
        "link": lambda call: users(call).identities.link(call["id"], link_with=call["proof"]),
        "unlink": lambda call: users(call).identities.delete(call["id"], call["provider"], call["of"]),
        "get": lambda call: users(call).get(call["id"]),
        "fields": lambda call: users(call).get(call["id"], fields=call["fields"], include_fields=True),
    }


def plain(value):
    """A model of the SDK's as the JSON that it was read from."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return json.loads(value.json(exclude_unset=True, by_alias=True)) if hasattr(value, "json") else value


def member(error, reads):
    """What an application reads of an error: its members by name, at the dotted paths of that client. Where a client made the
    error by itself there is no answer to read, and its own text has to do."""

    def step(value, name):
        return value.get(name) if isinstance(value, dict) else getattr(value, name, None)

    seen = {what: reduce(step, path.split("."), error) for what, path in reads.items()}
    seen["name"] = type(error).__name__
    return seen if seen["status"] else {**seen, "text": str(error)}


for line in sys.stdin:
    call = json.loads(line)
    began = time.monotonic()
    try:
        outcome = {"value": plain(CALLS[call["op"]](call))}
    except Exception as error:
        outcome = {"error": member(error, call["reads"])}
    outcome["ms"] = (time.monotonic() - began) * 1000
    print(json.dumps(outcome), flush=True)
