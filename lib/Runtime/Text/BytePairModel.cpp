#include "BytePairModel.h"

#include "Unicode.h"

#include <fmt/format.h>

#include <queue>

namespace ftc::runtime::text {

namespace {
/// Words longer than this are rare, and their tokens are not remembered.
constexpr size_t longestKnownWord = 64;
constexpr size_t mostKnownWords = 1 << 16;
constexpr int32_t nowhere = -1;
constexpr int32_t merged = -1;
} // namespace

/// A pair that may be merged; it has expired when its symbols have changed since.
struct BytePairModel::Candidate {
  int32_t rank;
  int32_t position;
  int32_t result;

  bool operator>(const Candidate &other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};

BytePairModel::BytePairModel(TokenMap vocabulary, BytePairOptions modelOptions)
    : tokens(std::move(vocabulary)), options(std::move(modelOptions)) {
  if (options.unkToken)
    unk = idOf(*options.unkToken);
  if (options.byteFallback)
    for (int byte = 0; byte < 256; ++byte)
      byteTokens.push_back(idOf(fmt::format("<0x{:02X}>", byte)).value_or(-1));
}

std::optional<int32_t> BytePairModel::idOf(std::string_view token) const {
  auto found = tokens.find(token);
  if (found == tokens.end())
    return std::nullopt;
  return found->second;
}

bool BytePairModel::addMerge(std::string_view left, std::string_view right, std::string &missing) {
  std::string_view tail = right;
  if (tail.starts_with(options.continuingSubwordPrefix))
    tail.remove_prefix(options.continuingSubwordPrefix.size());
  std::string whole = std::string(left) + std::string(tail);
  std::optional<int32_t> leftId = idOf(left), rightId = idOf(right), wholeId = idOf(whole);
  if (!leftId || !rightId || !wholeId) {
    missing = !leftId ? std::string(left) : !rightId ? std::string(right) : whole;
    return false;
  }
  // A pair that is listed twice has the rank of the later line, as in `tokenizers`.
  merges.insert(*leftId, *rightId, {nextRank++, *wholeId});
  return true;
}

void BytePairModel::encode(std::string_view word, std::vector<int32_t> &ids) const {
  if (word.empty())
    return;
  if (options.ignoreMerges)
    if (std::optional<int32_t> whole = idOf(word)) {
      ids.push_back(*whole);
      return;
    }
  bool remember = word.size() <= longestKnownWord;
  if (remember) {
    auto found = known.find(word);
    if (found != known.end()) {
      ids.insert(ids.end(), found->second.begin(), found->second.end());
      return;
    }
  }
  std::vector<Symbol> symbols = split(word);
  mergeAll(symbols);
  size_t begin = ids.size();
  for (const Symbol &symbol : symbols)
    if (symbol.id != merged)
      ids.push_back(symbol.id);
  if (!remember)
    return;
  if (known.size() >= mostKnownWords)
    known.clear();
  known.emplace(word, std::vector<int32_t>(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end()));
}

std::vector<BytePairModel::Symbol> BytePairModel::split(std::string_view word) const {
  std::vector<Symbol> symbols;
  bool unknownPending = false;
  auto flushUnknown = [&] {
    if (unknownPending)
      symbols.push_back({*unk, nowhere, nowhere});
    unknownPending = false;
  };
  std::string decorated;
  for (size_t position = 0; position < word.size();) {
    size_t begin = position;
    nextChar(word, position);
    std::string_view character = word.substr(begin, position - begin);
    bool prefix = begin != 0 && !options.continuingSubwordPrefix.empty();
    bool suffix = position == word.size() && !options.endOfWordSuffix.empty();
    if (prefix || suffix) {
      decorated = prefix ? options.continuingSubwordPrefix : "";
      decorated += character;
      decorated += suffix ? options.endOfWordSuffix : "";
      character = decorated;
    }
    if (std::optional<int32_t> id = idOf(character)) {
      flushUnknown();
      symbols.push_back({*id, nowhere, nowhere});
      continue;
    }
    // Bytes do not end a run of unknown characters: it is placed after them, as `tokenizers` does.
    if (options.byteFallback && splitIntoBytes(character, symbols))
      continue;
    if (unk) {
      if (!options.fuseUnk)
        flushUnknown();
      unknownPending = true;
    }
  }
  flushUnknown();
  return symbols;
}

bool BytePairModel::splitIntoBytes(std::string_view character, std::vector<Symbol> &symbols) const {
  for (char byte : character)
    if (byteTokens[static_cast<uint8_t>(byte)] < 0)
      return false;
  for (char byte : character)
    symbols.push_back({byteTokens[static_cast<uint8_t>(byte)], nowhere, nowhere});
  return true;
}

void BytePairModel::mergeAll(std::vector<Symbol> &symbols) const {
  auto count = static_cast<int32_t>(symbols.size());
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  auto consider = [&](int32_t left, int32_t right) {
    if (left == nowhere || right == nowhere)
      return;
    if (const Merge *merge = merges.find(symbols[left].id, symbols[right].id))
      queue.push({merge->rank, left, merge->result});
  };
  for (int32_t i = 0; i < count; ++i) {
    symbols[i].previous = i - 1;
    symbols[i].next = i + 1 < count ? i + 1 : nowhere;
  }
  for (int32_t i = 0; i + 1 < count; ++i)
    consider(i, i + 1);
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    Symbol &left = symbols[best.position];
    if (left.id == merged || left.next == nowhere)
      continue;
    const Merge *merge = merges.find(left.id, symbols[left.next].id);
    if (!merge || merge->result != best.result)
      continue;
    Symbol &right = symbols[left.next];
    left.id = merge->result;
    left.next = right.next;
    right.id = merged;
    if (left.next != nowhere)
      symbols[left.next].previous = best.position;
    consider(left.previous, best.position);
    consider(best.position, left.next);
  }
}

} // namespace ftc::runtime::text
