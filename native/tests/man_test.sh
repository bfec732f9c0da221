#!/bin/sh
# The manual formats without a complaint, has a page for every public function and every setting, and each page names
# pages that exist.
set -eu
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
for page in man/*.[1-8]; do
  mkdir -p "$tree/man${page##*.}"
  cp "$page" "$tree/man${page##*.}"
done

# Public functions, as the header declares them; settings, as the library asks for them.
functions=$(grep -o 'hf3fs_[a-z0-9_]*(' include/hf3fs_usrbio.h | tr -d '(' | sort -u)
[ "$(echo "$functions" | wc -l)" -ge 21 ] || { echo "functions were not found; observed=$functions"; exit 1; }
for function in $functions; do
  [ -e "man/$function.3" ] || { echo "no page: $function"; exit 1; }
done
settings=$(grep -ohE '(lmp_setting|getenv)\("[A-Z0-9_]+"' preload/*.c | cut -d'"' -f2 | sort -u)
for setting in $settings LAMPYRIS_USRBIO_SPIN_US; do
  grep -q "^\.B $setting\$" man/lampyris-exec.1 || { echo "lampyris-exec.1 has no word of it: $setting"; exit 1; }
done

for page in "$tree"/man?/*; do
  name=${page##*/}
  reference=$(sed -n 's/^\.so //p' "$page")
  if [ -n "$reference" ]; then
    [ -e "$tree/$reference" ] || { echo "$name leads nowhere: $reference"; exit 1; }
    continue
  fi
  grep -q "^\.TH ${name%.*} ${name##*.} " "$page" || { echo "$name has another page's title"; exit 1; }
  # Of our own pages.
  for other in $(grep -oE '(hf3fs|lampyris)[a-z0-9_-]* \([1-8]\)' "$page" | tr -d ' )' | sort -u); do
    [ -e "$tree/man${other#*\(}/${other%\(*}.${other#*\(}" ] || { echo "$name names a page that is not there: $other"; exit 1; }
  done
done

command -v groff >/dev/null 2>&1 || { echo "no groff, so no page was formatted; remedy: install groff-base"; exit 77; }
for page in "$tree"/man?/*; do
  said=$(cd "$tree" && groff -man -ww -Tutf8 -rLL=80n "$page" 2>&1 >/dev/null)
  [ -z "$said" ] || { echo "$said"; exit 1; }
done
