"""How the plain pages look: one stylesheet for all of them, and one for those with the app's header."""

from __future__ import annotations

CSS = """
:root{color-scheme:light dark;--page:#f7f7f8;--card:#fff;--text:#1a1a1f;--soft:#5b5b66;--line:#d9d9e0;--edge:#85858f;
--accent:#2f55d4;--on:#fff;--good:#17703b;--bad:#b3261e;--bad-bg:#fdf0ef}
@media (prefers-color-scheme:dark){:root{--page:#131316;--card:#1b1b20;--text:#ececf1;--soft:#a6a6b3;--line:#34343d;
--edge:#7d7d8a;--accent:#8fa8ff;--on:#10142a;--good:#6fce95;--bad:#ffb4ab;--bad-bg:#2d1614}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:start center;padding:12vh 16px 32px;background:var(--page);
color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:400px;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:24px}
.name{margin:0 0 16px;font-size:14px;font-weight:600;color:var(--soft)}
h1{margin:0 0 8px;font-size:20px;line-height:1.3}
p{margin:0 0 16px;overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:14px}
a{color:var(--accent);text-underline-offset:2px}
label{display:block;margin:16px 0 4px;font-size:14px;font-weight:600}
input,select{width:100%;min-height:40px;padding:8px 12px;border:1px solid var(--edge);border-radius:8px;
background:var(--card);color:var(--text);font:inherit}
input[aria-invalid=true]{border-color:var(--bad);border-width:2px}
.hint,.fault{margin:4px 0 0;font-size:14px}
.hint{color:var(--soft)}
.fault{color:var(--bad)}
.alert{padding:12px;border:1px solid var(--bad);border-radius:8px;background:var(--bad-bg);color:var(--bad)}
button,.button{display:block;width:100%;min-height:44px;margin-top:24px;padding:10px 16px;
border:1px solid var(--accent);border-radius:8px;
background:var(--accent);color:var(--on);font:inherit;font-weight:600;text-align:center;
text-decoration:none;cursor:pointer}
code{font:14px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
"""
WIDE = """
body{display:block;place-items:normal;padding:0;font-size:14px}
main{max-width:1120px;margin:0 auto;padding:24px 24px 64px;border:0;background:none}
h1{font-size:20px}
h2{margin:32px 0 8px;font-size:14px}
.skip{position:absolute;left:-999px;background:var(--card);padding:8px 16px}
.skip:focus{left:8px;top:8px}
.top{display:flex;flex-wrap:wrap;align-items:center;gap:8px 16px;padding:8px 24px;border-bottom:1px solid var(--line);
background:var(--card)}
.top form,.row form,td form{margin:0}
.top b{font-weight:650}
.top nav{margin-left:auto}
nav{display:flex;flex-wrap:wrap;gap:0 16px}
nav a{display:inline-flex;align-items:center;min-height:32px;font-weight:600;text-decoration:none}
nav a[aria-current]{color:var(--text)}
.tabs{margin:16px 0 24px;border-bottom:1px solid var(--line)}
.tabs a{min-height:40px;border-bottom:2px solid transparent}
.tabs a[aria-current]{border-color:var(--accent)}
button,.button{display:inline-block;width:auto;min-height:36px;margin:0;padding:6px 14px;font-size:14px}
.plain{border-color:var(--edge);background:var(--card);color:var(--text)}
.danger{border-color:var(--bad);background:var(--card);color:var(--bad)}
.row{display:flex;flex-wrap:wrap;align-items:center;gap:8px;margin-top:16px}
.box{max-width:480px;padding:16px;border:1px solid var(--line);border-radius:10px;background:var(--card)}
.box button[type=submit]{margin-top:16px}
.box>:first-child,.box>input[type=hidden]+:is(label,.row),.row button[type=submit]{margin-top:0}
.done{padding:8px 12px;border:1px solid var(--line);border-left:3px solid var(--good);border-radius:8px;
background:var(--card)}
.shown input{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}
fieldset{margin:16px 0 0;padding:0;border:0}
legend{padding:0;font-weight:600}
.tick{display:flex;align-items:center;gap:8px;min-height:32px;margin:0;font-weight:400}
.tick input{width:18px;min-height:18px;height:18px;accent-color:var(--accent)}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:10px}
th,td{padding:8px 12px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{color:var(--soft);font-size:12px;font-weight:600}
td small{display:block;color:var(--soft);font-size:12px}
td a{display:inline-flex;min-height:24px;align-items:center}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:700px){main{padding:16px 16px 48px}.top{padding:8px 16px}.top nav{order:1;width:100%;margin:0}
.top form{margin-left:auto}
.who{display:none}thead{position:absolute;clip-path:inset(50%)}table,tbody,tr,td{display:block}
tr{padding:8px 0;border-bottom:1px solid var(--line)}td{padding:2px 12px;border:0}
td[data-head]::before{content:attr(data-head) " ";color:var(--soft);font-size:12px}}
@media (pointer:coarse){button,.button,nav a,.tick,td a{min-height:44px}}
"""
"""What the pages with the app's header add to `CSS`."""
