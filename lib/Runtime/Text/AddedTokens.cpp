#include "AddedTokens.h"

#include "Unicode.h"

#include <algorithm>

namespace ftc::runtime::text {

namespace {

bool byLabel(const std::pair<uint8_t, uint32_t> &child, uint8_t label) { return child.first < label; }

/// Where the white space at the end of `text` begins.
size_t trailingSpace(std::string_view text) {
  while (!text.empty()) {
    char32_t last = lastChar(text);
    if (!isWhiteSpace(last))
      break;
    std::string bytes;
    appendChar(bytes, last);
    text.remove_suffix(bytes.size());
  }
  return text.size();
}

/// How many bytes of white space `text` begins with.
size_t leadingSpace(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    size_t next = position;
    if (!isWhiteSpace(nextChar(text, next)))
      break;
    position = next;
  }
  return position;
}

bool startsWithWord(std::string_view text) {
  size_t position = 0;
  return !text.empty() && isWord(nextChar(text, position));
}

bool endsWithWord(std::string_view text) { return !text.empty() && isWord(lastChar(text)); }

} // namespace

void TokenFinder::add(std::string_view pattern, const AddedToken &token) {
  if (pattern.empty())
    return;
  uint32_t node = 0;
  for (char c : pattern) {
    auto label = static_cast<uint8_t>(c);
    std::vector<std::pair<uint8_t, uint32_t>> &children = nodes[node].children;
    auto found = std::lower_bound(children.begin(), children.end(), label, byLabel);
    if (found != children.end() && found->first == label) {
      node = found->second;
      continue;
    }
    auto fresh = static_cast<uint32_t>(nodes.size());
    children.insert(found, {label, fresh});
    nodes.emplace_back();
    node = fresh;
  }
  // Of two tokens with the same text the first counts.
  if (nodes[node].token < 0) {
    nodes[node].token = static_cast<int32_t>(tokens.size());
    tokens.push_back(token);
  }
}

std::pair<int32_t, size_t> TokenFinder::longestAt(std::string_view text, size_t begin) const {
  std::pair<int32_t, size_t> best{-1, 0};
  uint32_t node = 0;
  for (size_t i = begin; i < text.size(); ++i) {
    auto label = static_cast<uint8_t>(text[i]);
    const std::vector<std::pair<uint8_t, uint32_t>> &children = nodes[node].children;
    auto found = std::lower_bound(children.begin(), children.end(), label, byLabel);
    if (found == children.end() || found->first != label)
      break;
    node = found->second;
    if (nodes[node].token >= 0)
      best = {nodes[node].token, i + 1 - begin};
  }
  return best;
}

std::vector<Section> TokenFinder::divide(std::string_view text) const {
  std::vector<Section> sections;
  size_t covered = 0;
  for (size_t position = 0; position < text.size() && !empty();) {
    auto [index, length] = longestAt(text, position);
    if (index < 0) {
      ++position;
      continue;
    }
    const AddedToken &token = tokens[static_cast<size_t>(index)];
    size_t begin = position, end = position + length;
    position = end;
    if (token.singleWord && (endsWithWord(text.substr(0, begin)) || startsWithWord(text.substr(end))))
      continue;
    if (token.lstrip)
      begin = covered + trailingSpace(text.substr(covered, begin - covered));
    if (token.rstrip)
      end += leadingSpace(text.substr(end));
    position = end;
    if (covered < begin)
      sections.push_back({Section::text, covered, begin});
    sections.push_back({token.id, begin, end});
    covered = end;
  }
  if (covered < text.size())
    sections.push_back({Section::text, covered, text.size()});
  return sections;
}

} // namespace ftc::runtime::text
