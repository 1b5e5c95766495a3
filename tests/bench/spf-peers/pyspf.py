"""How fast is pyspf, used as a library by one lasting process? `bench-spf` runs this.

    pyspf.py ADDRESS PORT QUERIES RESULTS cold|warm

Arguments, files and what is printed are those of libspf2.c. pyspf has a cache for one evaluation only; "warm" gives the
resolver library below it (dnspython, pyspf's first choice) its own cache, "cold" leaves that off.
"""

import sys
import time

import dns.resolver
import spf

# Warm passes are repeated until so much time has gone by.
WARM_NS = 500_000_000
# dnspython's own choice is 100,000 too.
CACHE_ANSWERS = 100_000


def evaluate(query):
    ip, helo, sender = query
    return spf.query(i=ip, s=sender, h=helo, receiver="mx.ours.example").check()[0]


def measured(queries):
    """The results, the evaluations, and the two times they took."""
    wall, cpu = time.monotonic_ns(), time.process_time_ns()
    results = [evaluate(query) for query in queries]
    return results, (len(queries), time.monotonic_ns() - wall, time.process_time_ns() - cpu)


def show(kind, times):
    print(kind, *times)


def warm(queries):
    dns.resolver.default_resolver.cache = dns.resolver.LRUCache(CACHE_ANSWERS)
    _, times = measured(queries)
    show("first", times)
    total = (0, 0, 0)
    while total[1] < WARM_NS:
        results, times = measured(queries)
        total = tuple(map(sum, zip(total, times)))
    show("warm", total)
    return results


def main():
    address, port, queries, results, mode = sys.argv[1:]
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [address], int(port)
    dns.resolver.default_resolver = resolver
    with open(queries, encoding="ascii") as lines:
        queries = [line.rstrip("\n").split("\t") for line in lines]
    if mode == "cold":
        found, times = measured(queries)
        show("cold", times)
    else:
        found = warm(queries)
    with open(results, "w", encoding="ascii") as file:
        file.writelines(f"{result}\n" for result in found)


main()
