# Flattens the YAML (or JSON on one line) that seeds are written in to lines of `path.to.key=value`.
# Knows block mappings, block lists, flow lists and mappings on one line, quotes, comments and literal
# blocks (`|`, whose lines follow each other with the same path). Anchors and tags are not known.

function unquote(s) {
  sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s)
  if (s ~ /^"/) { sub(/^"/, "", s); sub(/"$/, "", s); gsub(/\\"/, "\"", s); gsub(/\\\\/, "\\", s) }
  else if (s ~ /^'/) { sub(/^'/, "", s); sub(/'$/, "", s); gsub(/''/, "'", s) }
  return s
}

function join_path(base, key) { return base == "" ? key : base "." key }

# Where the separator stands outside quotes and brackets, or 0.
function find_at(s, what, from,    i, c, q, depth) {
  for (i = from; i <= length(s); i++) {
    c = substr(s, i, 1)
    if (q != "") { if (c == "\\" && q == "\"") i++; else if (c == q) q = ""; continue }
    if (c == "\"" || c == "'") { q = c; continue }
    if (depth == 0 && c == what) {
      if (what != ":" || i == length(s) || substr(s, i + 1, 1) ~ /[ \t]/ || flow_colon) return i
    }
    if (c == "[" || c == "{") depth++
    if (c == "]" || c == "}") depth--
  }
  return 0
}

function value(path, s,    body, n, at, item, key, colon) {
  sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s)
  if (s !~ /^[\[{]/) { if (s != "") print path "=" unquote(s); return }
  body = substr(s, 2, length(s) - 2); n = 0
  while (body ~ /[^ \t]/) {
    at = find_at(body, ",", 1)
    item = at ? substr(body, 1, at - 1) : body
    body = at ? substr(body, at + 1) : ""
    if (substr(s, 1, 1) == "[") { value(join_path(path, n++), item); continue }
    flow_colon = 1; colon = find_at(item, ":", 1); flow_colon = 0
    key = unquote(substr(item, 1, colon - 1))
    value(join_path(path, key), substr(item, colon + 1))
  }
}

# A mapping entry or a scalar, standing at the given column.
function entry(column, s,    colon, rest) {
  colon = (s ~ /^[\[{]/) ? 0 : find_at(s, ":", 1)
  if (!colon) { value(path_of[level], s); return }
  while (level > 0 && column_of[level] >= column) level--
  level++; column_of[level] = column
  path_of[level] = join_path(path_of[level - 1], unquote(substr(s, 1, colon - 1)))
  count_of[level] = 0
  rest = substr(s, colon + 1); sub(/^[ \t]+/, "", rest)
  if (rest ~ /^[|>][-+]?[ \t]*$/) { literal = column; literal_path = path_of[level]; return }
  if (rest !~ /^(#|$)/) value(path_of[level], rest)
}

BEGIN { literal = -1 }

{
  match($0, /^ */); indent = RLENGTH; text = substr($0, indent + 1)
  if (literal >= 0) {
    if (text == "" || indent > literal) { print literal_path "=" text; next }
    literal = -1
  }
  if (text ~ /^(#|---|$)/) next
  # A comment needs a blank before it, and stands outside quotes.
  for (at = find_at(text, "#", 2); at; at = find_at(text, "#", at + 1)) {
    if (substr(text, at - 1, 1) ~ /[ \t]/) { text = substr(text, 1, at - 2); break }
  }
  while (text ~ /^-([ \t]|$)/) {
    # A list may stand at the column of its key.
    while (level > 0 && (column_of[level] > indent || (is_item[level] && column_of[level] == indent))) {
      is_item[level] = 0; level--
    }
    index_now = count_of[level]++
    level++; column_of[level] = indent; is_item[level] = 1; count_of[level] = 0
    path_of[level] = join_path(path_of[level - 1], index_now)
    text = substr(text, 2); match(text, /^[ \t]*/)
    indent += 1 + RLENGTH; text = substr(text, RLENGTH + 1)
    if (text ~ /^[|>][-+]?[ \t]*$/) { literal = indent - 2; literal_path = path_of[level]; text = "" }
  }
  if (text == "") next
  # A quoted list item is a scalar, whatever colons it holds.
  if (is_item[level] && text ~ /^["'].*["'][ \t]*$/ && text !~ /^("[^"]*"|'[^']*')[ \t]*:/) {
    value(path_of[level], text); next
  }
  while (level > 0 && !is_item[level] && column_of[level] >= indent) level--
  while (level > 0 && is_item[level] && column_of[level] >= indent) { is_item[level] = 0; level-- }
  entry(indent, text)
}
