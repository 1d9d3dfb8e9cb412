"""The Python service: three cached functions, the twins of those in service.rs.

It is asked over its standard input, one line of JSON for each request, and answers so on its standard output:

    {"function": "greeting", "verb": "get_or_update", "arguments": [42, "en"]}
    {"returned": {"user": 42, "text": "Hello, 42!", "computed_by": "Python"}, "ran": true}
"""

import json
import os
import sys

import pymemcache
import redis
import ring

redis_client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=10)
# Unless told otherwise, this client does not wait until a write is done.
memcached_client = pymemcache.Client(os.environ["MEMCACHED_ADDRESS"], default_noreply=False, timeout=10)

bodies_that_ran = []


# An integer and a string, and a value that becomes JSON.
@ring.redis(redis_client, key_prefix="polyglot:greeting", coder="json", expire=300)
def greeting(user, language):
    bodies_that_ran.append("greeting")
    word = {"en": "Hello", "de": "Hallo"}[language]
    return {"user": user, "text": f"{word}, {user}!", "computed_by": "Python"}


# A list.
@ring.redis(redis_client, key_prefix="polyglot:total", coder="json", expire=300)
def total(prices):
    bodies_that_ran.append("total")
    return {"cents": sum(prices), "computed_by": "Python"}


# Bytes, without a coder: they lie in memcached as they are.
@ring.memcache(memcached_client, key_prefix="polyglot:icon", expire=300)
def icon(name):
    bodies_that_ran.append("icon")
    return b"\x89drawn by Python: " + name.encode()


FUNCTIONS = {"greeting": greeting, "total": total, "icon": icon}


def answer(request):
    bodies_that_ran.clear()
    returned = getattr(FUNCTIONS[request["function"]], request["verb"])(*request["arguments"])
    if isinstance(returned, bytes):
        returned = returned.decode("latin-1")
    return {"returned": returned, "ran": bool(bodies_that_ran)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
