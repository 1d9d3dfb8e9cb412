"""The Python service: three cached functions, the twins of those in service.rs.

It is asked over its standard input, one line of JSON for each request, and answers so on its standard output:

    {"function": "profile", "verb": "get_or_update", "arguments": [42, "en"]}
    {"returned": {"id": 42, "greeting": "Hello, 42!", "computed_by": "Python"}, "ran": true}
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


# An integer and a string, a value that becomes JSON.
@ring.redis(redis_client, key_prefix="profile", coder="json", expire=300)
def profile(number, language):
    bodies_that_ran.append("profile")
    words = {"en": "Hello", "de": "Hallo"}
    return {"id": number, "greeting": f"{words[language]}, {number}!", "computed_by": "Python"}


# A list.
@ring.redis(redis_client, key_prefix="total", coder="json", expire=300)
def total(prices):
    bodies_that_ran.append("total")
    return {"cents": sum(prices), "computed_by": "Python"}


# Bytes, without a coder: they are what the client stores.
@ring.memcache(memcached_client, key_prefix="icon", expire=300)
def icon(name):
    bodies_that_ran.append("icon")
    return b"\x00Python draws " + name.encode()


FUNCTIONS = {"profile": profile, "total": total, "icon": icon}


def answer(request):
    bodies_that_ran.clear()
    returned = getattr(FUNCTIONS[request["function"]], request["verb"])(*request["arguments"])
    if isinstance(returned, bytes):
        returned = returned.decode("latin-1")
    return {"returned": returned, "ran": bool(bodies_that_ran)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
