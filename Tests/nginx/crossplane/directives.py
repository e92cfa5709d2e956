"""Prints the `listen` directives that crossplane finds in FILE, in the form of Tests/nginx/listens.

An http server without `listen` has port 80, because root starts nginx here.
"""

import sys

import crossplane
from crossplane.ext.lua import LuaBlockPlugin

# Lua blocks that this crossplane does not know yet.
LUA = ["exit_worker_by_lua_block", "preread_by_lua_block", "ssl_client_hello_by_lua_block"]


def main(path):
    plugin = LuaBlockPlugin()
    plugin.directives = {name: [] for name in [*plugin.directives, *LUA]}
    plugin.register_extension()
    payload = crossplane.parse(path, combine=True, check_ctx=False, check_args=False)
    if payload["errors"]:
        sys.exit(f"crossplane: {payload['errors']}")
    for kind in blocks(payload["config"][0]["parsed"], "http", "stream", "mail"):
        for server in blocks(kind["block"], "server"):
            listens = [one for one in server["block"] if one["directive"] == "listen"]
            for listen in listens:
                show(listen, listen["args"])
            if not listens and kind["directive"] == "http":
                show(server, ["0.0.0.0:80"])


def blocks(directives, *names):
    return [one for one in directives if one["directive"] in names and "block" in one]


def show(directive, arguments):
    print(directive["file"], directive["line"], *arguments, sep="\t")


main(sys.argv[1])
