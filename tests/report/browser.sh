#!/bin/sh
# The page in a browser: no message on its console, every figure drawn, no text over another or cut
# off, every text to be told from the paper, nothing wider than the window; light, dark, narrow.
#
#   browser.sh PROGRAM MAKE_FIXTURE      exits 77 (skipped) where there is no Chromium
set -eu
program=$1 make_fixture=$2
browser=$(command -v chromium || command -v chromium-browser) || {
    echo 'skipped: there is no chromium'
    exit 77
}
command -v gnuplot >/dev/null || {
    echo 'skipped: there is no gnuplot'
    exit 77
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# What is said of a page is put into its place.
cat >"$scratch/look.js" <<'END'
const wrong = [];
const shade = (color) => {
  const [r, g, b] = color.match(/[\d.]+/g).map((x) => {
    x /= 255;
    return x <= 0.04045 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4);
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [x, y] = [shade(a), shade(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};
const paper = getComputedStyle(document.body).backgroundColor;
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
if ((shade(paper) < 0.1) !== dark) wrong.push(`the paper is ${paper}`);
let texts = 0;
for (const svg of document.querySelectorAll('svg.chart')) {
  const name = svg.querySelector('title').textContent;
  const frame = svg.getBoundingClientRect();
  const drawn = [...svg.querySelectorAll('path, use, polygon')].filter(
    (x) => !x.closest('defs') && x.getBoundingClientRect().width + x.getBoundingClientRect().height > 0);
  if (frame.width < 300 || drawn.length < 5) wrong.push(`${name}: is not drawn`);
  const boxes = [...svg.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect(), t]);
  texts += boxes.length;
  boxes.forEach(([a, r, t], i) => {
    if (r.left < frame.left - 1 || r.right > frame.right + 1 || r.top < frame.top - 1 || r.bottom > frame.bottom + 1)
      wrong.push(`${name}: "${a}" is cut off`);
    const ratio = contrast(getComputedStyle(t).fill, paper);
    if (ratio < 4.5) wrong.push(`${name}: "${a}" has a contrast of ${ratio.toFixed(1)}`);
    for (const [b, s] of boxes.slice(i + 1)) {
      const across = Math.min(r.right, s.right) - Math.max(r.left, s.left);
      const down = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
      if (across > 0.5 && down > 3) wrong.push(`${name}: "${a}" is over "${b}"`); // a line has room
    }
  });
}
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) wrong.push(`is ${root.scrollWidth} wide, the window ${root.clientWidth}`);
const figures = document.querySelectorAll('svg.chart').length;
document.documentElement.innerHTML = '';
document.documentElement.textContent =
  `VERDICT ${figures} figures, ${texts} texts, ${root.clientWidth} wide, ${dark ? 'dark' : 'light'}: ` +
  (wrong.length ? 'WRONG\n' + wrong.join('\n') : 'FINE');
END

failed=0
look() { # NAME WIDTH SCHEME (0 dark, 1 light)
    page=$scratch/$1/look.html
    { cat "$scratch/$1/report.html" && echo '<script>' && cat "$scratch/look.js" && echo '</script>'; } >"$page"
    HOME=$scratch timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --user-data-dir="$scratch/profile" --enable-logging=stderr --window-size="$2,900" \
        --blink-settings="preferredColorScheme=$3" --dump-dom "file://$page" \
        >"$scratch/dom" 2>"$scratch/messages" || {
        echo "$1: the browser failed"
        tail -n 5 "$scratch/messages"
        failed=1
        return
    }
    verdict=$(sed -n '/VERDICT/,$p' "$scratch/dom" | sed 's/<[^>]*>//g')
    echo "$1: $verdict"
    case $verdict in *FINE*) ;; *) failed=1 ;; esac
    if [ "$3" = 0 ]; then case $verdict in *" dark: "*) ;; *) failed=1 ;; esac fi
    if grep CONSOLE "$scratch/messages"; then failed=1; fi
}

for fixture in one batches sequential texts hostile large; do
    "$make_fixture" "$fixture" "$scratch/$fixture"
    "$program" -q report "$scratch/$fixture" >/dev/null
    look "$fixture" 1100 1
    look "$fixture" 1100 0
    look "$fixture" 500 1
done
exit "$failed"
