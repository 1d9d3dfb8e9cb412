"""The original Ring, asked over standard input: a line of JSON for each request, and one for each answer.

A request names a ring by its options, a verb, and what the verb takes. With the coder None, values are bytes, here as
strings of latin-1. The answer says what was returned and how often the body ran, or how the verb failed.
"""

import json
import os
import sys

import pymemcache
import redis
import ring

# Unless told otherwise, the clients of memcached do not wait until a write is done.
WAITING = {"default_noreply": False, "timeout": 30}
addresses = os.environ["MEMCACHED_ADDRESSES"].split(",")
redis_client = redis.StrictRedis.from_url(os.environ["REDIS_URL"], socket_timeout=30)
STORAGES = {
    "redis": (ring.redis, redis_client),
    "redis hash": (ring.redis_hash, redis_client),
    "memcached": (ring.memcache, pymemcache.Client(addresses[0], **WAITING)),
    "memcached of several": (ring.memcache, pymemcache.HashClient(addresses, **WAITING)),
}

rings = {}
ran = []


def compute(options, arguments):
    """What the cached functions compute."""
    ran.append(arguments)
    if options["coder"] is None:
        return b"\x00\xff\r\nPython"
    return {"by": "Python", "text": 'ü\n🦀 "', "numbers": [1, -2], "share": 0.5, "nothing": None}


FUNCTIONS = [
    lambda options: lambda: compute(options, ()),
    lambda options: lambda a: compute(options, (a,)),
    lambda options: lambda a, b: compute(options, (a, b)),
    lambda options: lambda a, b, c: compute(options, (a, b, c)),
]


def decorator(options):
    storage, client = STORAGES[options["storage"]]
    words = {"key_prefix": options["key_prefix"], "coder": options["coder"]}
    if options["storage"] == "redis hash":
        words["hash_key"] = options["key_prefix"]
    else:
        words["expire"] = options["expire"]
    # A new one each time: one that decorates a second function fails.
    return lambda function: storage(client, **words)(function)


def page(options):
    """The class of the original's quickstart, all of whose methods have the ring's key_prefix."""
    cached = decorator(options)

    class Page:
        def __init__(self, url):
            self.url = url

        def __ring_key__(self):
            return "page=" + self.url

        @cached
        def content(self):
            return compute(options, (self,))

        @cached
        def section(self, number):
            return compute(options, (self, number))

        @cached
        @classmethod
        def class_content(cls):
            return compute(options, (cls,))

        @cached
        @staticmethod
        def example_dot_com():
            return compute(options, ())

        @cached
        @property
        def title(self):
            return compute(options, (self,))

    return Page


def user(options):
    """The class of the original's examples, whose key is a number."""
    cached = decorator(options)

    class User:
        def __init__(self, number):
            self.number = number

        def __ring_key__(self):
            return self.number

        @cached
        def name(self):
            return compute(options, (self,))

    return User


def made(options):
    """A function with a ring, or a class with rings."""
    name = json.dumps(options)
    if name not in rings:
        make = {"Page": page, "User": user}.get(options["form"])
        rings[name] = make(options) if make else decorator(options)(FUNCTIONS[options["form"]](options))
    return rings[name]


def ask(request):
    ring = made(request["options"])
    values = [transcoded(value, request["options"]) for value in request["values"]]
    if "method" in request:
        owner = ring(*request["self"]) if request["self"] else ring
        ring = getattr(owner, request["method"])
    if request["verb"] == "":  # a property: it was looked up above
        return ring
    verb = getattr(ring, request["verb"])
    # As text of their own: numbers may be larger than those of the request may be.
    calls = [tuple(json.loads(arguments)) for arguments in request["calls"]]
    if request["verb"] == "set_many":
        return verb(calls, values)
    if request["verb"].endswith("_many"):
        return verb(*calls)
    return verb(*values, *calls[0])


def transcoded(value, options):
    return value.encode("latin-1") if options["coder"] is None else value


def readable(value):
    if isinstance(value, list):
        return [readable(each) for each in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value


def answer(request):
    ran.clear()
    try:
        returned = ask(request)
        return {"returned": readable(returned), "ran": len(ran)}
    except Exception as failure:
        return {"failed": f"{type(failure).__name__}: {failure}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
