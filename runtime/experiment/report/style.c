// The style of the page, light and dark, on a screen and in print.

#include "experiment/report/html.h"

static const char sheet[] =
    ":root{color-scheme:light dark;--ink:#1c2127;--muted:#56606b;--line:#dfe3e8;--paper:#fff;"
    "--tint:#f6f7f9;--link:#0b62a8}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e7eaee;--muted:#a3adb8;--line:#30363e;"
    "--paper:#15181c;--tint:#1d2126;--link:#74b6ee}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"
    "'Segoe UI',Roboto,sans-serif;text-rendering:optimizeLegibility}\n"
    "main{max-width:58rem;margin:0 auto;padding:3.5rem 1.25rem 5rem}\n"
    "h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.015em;margin:0 0 .4rem;"
    "overflow-wrap:anywhere}\n"
    "h2{font-size:1.2rem;line-height:1.3;letter-spacing:-.005em;margin:3.25rem 0 .5rem}\n"
    "h3{font-size:1rem;margin:1.5rem 0 .25rem}\n"
    "p{margin:.4rem 0 .9rem;max-width:40rem;hyphens:auto}\n"
    ".about{font-size:1.1rem;color:var(--muted);margin-bottom:2rem}\n"
    ".note{color:var(--muted);font-size:.925rem}\n"
    "a{color:var(--link);text-decoration-thickness:.06em;text-underline-offset:.18em}\n"
    "a:focus-visible,summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.5rem;margin:1.5rem 0;"
    "padding:1rem 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line);"
    "font-size:.95rem}\n"
    "dl.metrics{border:0;padding:0;margin:.4rem 0 .9rem;gap:.1rem 1.5rem}\n"
    "dt{color:var(--muted)}\n"
    "dd{margin:0;overflow-wrap:anywhere;min-width:0}\n"
    "figure{margin:1rem 0 0}\n"
    ".wide{overflow-x:auto}\n"
    "svg.chart{display:block;width:100%;min-width:36rem;height:auto}\n"
    "table{border-collapse:collapse;font-size:.875rem;line-height:1.4;"
    "font-variant-numeric:tabular-nums;margin:.5rem 0 1rem;min-width:50%}\n"
    "th,td{padding:.3rem .8rem .3rem 0;text-align:left;white-space:nowrap;"
    "border-bottom:1px solid var(--line);vertical-align:baseline}\n"
    "th{font-weight:600;color:var(--muted);vertical-align:bottom}\n"
    "th.key{white-space:normal;max-width:9rem}\n"
    "td.number,th.number{text-align:right}\n"
    "td.name{white-space:normal;min-width:6.5rem;overflow-wrap:anywhere}\n"
    "td small{color:var(--muted);font-size:.9em;margin-left:.35em}\n"
    "tbody tr:hover{background:var(--tint)}\n"
    "details{margin:.5rem 0}\n"
    "summary{cursor:pointer;color:var(--muted);font-size:.925rem}\n"
    "summary:hover{color:var(--ink)}\n"
    "pre{background:var(--tint);border-radius:6px;padding:1rem;overflow-x:auto;"
    "font:.8125rem/1.5 ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace}\n"
    "code{font:.875em ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "overflow-wrap:anywhere}\n"
    "footer{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--line);"
    "color:var(--muted);font-size:.875rem}\n"
    "@media (max-width:40rem){main{padding-top:2rem}dl{grid-template-columns:1fr;gap:0}"
    "dd{margin-bottom:.6rem}}\n";

static const char print_sheet[] =
    "@media print{:root{--ink:#000;--muted:#444;--line:#ccc;--paper:#fff;--tint:#fff;--link:#000}\n"
    "body{font-size:10pt}main{max-width:none;padding:0}svg.chart{min-width:0}"
    "figure,tr{break-inside:avoid}h2,h3,section>p{break-after:avoid}.wide,pre{overflow:visible}"
    "pre{white-space:pre-wrap;padding:0}table{font-size:8pt}\n";

void html_write_style(FILE *to)
{
    fputs("<style>\n", to);
    fputs(sheet, to);
    chart_write_colors(to, false);
    fputs("@media (prefers-color-scheme:dark){\n", to);
    chart_write_colors(to, true);
    fputs("}\n", to);
    fputs(print_sheet, to); // after the dark rules, which it takes back
    chart_write_colors(to, false);
    fputs("}\n</style>\n", to);
}
