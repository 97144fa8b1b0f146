"""The PyPI provider, unmodified. In: a request of the runner, JSON on standard input. Out: what the client says, JSON.

{"base": …, "headers": {…}, "ask": [[flag, type, default, user, attributes], …]} gives a list of {value, variant, reason, error, metadata}.
"""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

request = json.load(sys.stdin)
api.set_provider(OFREPProvider(request["base"], headers_factory=lambda: request.get("headers", {})))
client = api.get_client()
typed = {
    "boolean": client.get_boolean_details,
    "string": client.get_string_details,
    "integer": client.get_integer_details,
    "float": client.get_float_details,
    "object": client.get_object_details,
}


def one(flag, kind, default, user, attributes):
    details = typed[kind](flag, default, EvaluationContext(user, attributes))
    return {
        "value": details.value,
        "variant": details.variant,
        "reason": details.reason and str(getattr(details.reason, "value", details.reason)),
        "error": details.error_code and details.error_code.value,
        "metadata": dict(details.flag_metadata),
    }


json.dump([one(*asked) for asked in request["ask"]], sys.stdout)
