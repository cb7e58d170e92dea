"""Pages that list files, as their servers write them."""

GIST = "e36b37371330f2e74e73af799dd7f725"
COMMIT = "e3a8019a68c2122141cae14bcb84b4c20ef18fe6"
OLD_COMMIT = "0" * 40


def gist_file(name: str, anchor: str, content: str = "", commit: str = COMMIT) -> str:
    return f"""
    <div class="js-gist-file-update-container js-task-list-container">
      <div id="{anchor}" class="file my-2">
        <div class="file-header d-flex">
          <div class="file-actions flex-order-2 pt-0">
            <a href="/somebody/{GIST}/raw/{commit}/{name}" class="Button--secondary Button">Raw</a>
          </div>
          <div class="file-info"><a class="wb-break-all" href="#{anchor}"><strong>{name}</strong></a></div>
        </div>
        <div id="{anchor}-readme" class="Box-body readme blob">{content}</div>
      </div>
    </div>"""


def gist_page(*files: str) -> str:
    return f"""<!DOCTYPE html><html lang="en"><head><title>A pack · GitHub</title></head><body>
    <a href="/somebody">somebody</a> <a href="/somebody/{GIST}/archive/{COMMIT}.zip">Download ZIP</a>
    <a href="/somebody/{GIST}/revisions">Revisions</a>
    {"".join(files)}
    <a href="/login?return_to=https%3A%2F%2Fgist.github.com%2Fsomebody%2F{GIST}">Sign in to comment</a>
    </body></html>"""


APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html><head><title>Index of /out/job</title></head><body><h1>Index of /out/job</h1>
<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><a href="/out/">Parent Directory</a></td></tr>
<tr><td><a href="assets/">assets/</a></td><td>2026-11-20 10:00</td></tr>
<tr><td><a href="index.html">index.html</a></td><td>2026-11-20 10:00</td></tr>
<tr><td><a href="a%20report%20%232.pdf">a report #2.pdf</a></td></tr>
</table></body></html>"""

NGINX = """<html>
<head><title>Index of /out/job/</title></head>
<body>
<h1>Index of /out/job/</h1><hr><pre><a href="../">../</a>
<a href="assets/">assets/</a>                                            20-Nov-2026 10:00                   -
<a href="index.html">index.html</a>                                         20-Nov-2026 10:00                4711
<a href="a%20report%20%232.pdf">a report #2.pdf</a>
</pre><hr></body>
</html>"""

PYTHON = """<!DOCTYPE HTML>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Directory listing for /out/job/</title>
</head>
<body>
<h1>Directory listing for /out/job/</h1>
<hr>
<ul>
<li><a href="assets/">assets/</a></li>
<li><a href="index.html">index.html</a></li>
<li><a href="a%20report%20%232.pdf">a report #2.pdf</a></li>
</ul>
<hr>
</body>
</html>"""

CADDY = """<!DOCTYPE html>
<html><head><title>/out/job/</title><link rel="canonical" href="/out/job/" /></head>
<body><header><div class="breadcrumbs">
<h1><a href="../../">/</a><a href="../">out</a><a href="">job</a></h1></div></header>
<main><a href="?layout=grid">Grid</a><div class="listing"><table aria-describedby="summary">
<thead><tr><th><a href="?sort=name&amp;order=desc">Name</a></th></tr></thead>
<tbody><tr><td><a href="..">Up</a></td></tr>
<tr class="file"><td><a href="./assets/"><span class="name">assets/</span></a></td></tr>
<tr class="file"><td><a href="./index.html"><span class="name">index.html</span></a></td></tr>
<tr class="file"><td><a href="./a%20report%20%232.pdf"><span class="name">a report #2.pdf</span></a></td></tr>
</tbody></table></div></main></body></html>"""

NGINX_JSON = """[
{ "name":"assets", "type":"directory", "mtime":"Fri, 20 Nov 2026 10:00:00 GMT" },
{ "name":"index.html", "type":"file", "mtime":"Fri, 20 Nov 2026 10:00:00 GMT", "size":4711 },
{ "name":"a report #2.pdf", "type":"file", "mtime":"Fri, 20 Nov 2026 10:00:00 GMT", "size":12 }
]"""

CADDY_JSON = """[
{"name":"assets/","size":4096,"url":"./assets/","mod_time":"2026-11-20T10:00:00Z","mode":2147484141,"is_dir":true},
{"name":"index.html","size":4711,"url":"./index.html","mod_time":"2026-11-20T10:00:00Z","mode":420,"is_dir":false},
{"name":"a report #2.pdf","size":12,"url":"./a%20report%20%232.pdf","mode":420,"is_dir":false}
]"""
