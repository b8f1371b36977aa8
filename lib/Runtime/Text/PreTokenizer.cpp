#include "PreTokenizer.h"

#include "ByteAlphabet.h"
#include "Unicode.h"

#include <fmt/format.h>

#include <algorithm>

namespace ftc::runtime::text {

namespace {

/// A stretch of a piece; `match`: it is what the split looks for.
struct Stretch {
  Range range;
  bool match;
};

/// Divides a text of `size` bytes into what matches and what lies between.
std::vector<Stretch> stretchesOf(size_t size, const std::vector<Range> &matches, bool invert) {
  std::vector<Stretch> stretches;
  size_t covered = 0;
  for (const Range &match : matches) {
    if (covered < match.begin)
      stretches.push_back({{covered, match.begin}, invert});
    stretches.push_back({match, !invert});
    covered = match.end;
  }
  if (covered < size)
    stretches.push_back({{covered, size}, invert});
  return stretches;
}

/// Joins each stretch to the one before when `joins` says so of the two.
template <typename Joins> void joinForward(std::vector<Stretch> &stretches, Joins joins) {
  size_t kept = 0;
  bool previous = false;
  for (const Stretch &stretch : std::vector<Stretch>(stretches)) {
    if (kept > 0 && joins(previous, stretch.match))
      stretches[kept - 1].range.end = stretch.range.end;
    else
      stretches[kept++] = stretch;
    previous = stretch.match;
  }
  stretches.resize(kept);
}

/// A match joins what follows it, unless that is a match too.
void joinToNext(std::vector<Stretch> &stretches) {
  std::vector<Stretch> out;
  bool next = false;
  for (size_t i = stretches.size(); i-- > 0;) {
    if (!out.empty() && stretches[i].match && !next)
      out.back().range.begin = stretches[i].range.begin;
    else
      out.push_back(stretches[i]);
    next = stretches[i].match;
  }
  std::reverse(out.begin(), out.end());
  stretches = std::move(out);
}

void applyBehavior(Behavior behavior, std::vector<Stretch> &stretches) {
  switch (behavior) {
  case Behavior::Isolated:
    return;
  case Behavior::Removed:
    std::erase_if(stretches, [](const Stretch &stretch) { return stretch.match; });
    return;
  case Behavior::Contiguous:
    return joinForward(stretches, [](bool previous, bool match) { return previous == match; });
  case Behavior::MergedWithPrevious:
    return joinForward(stretches, [](bool previous, bool match) { return match && !previous; });
  case Behavior::MergedWithNext:
    return joinToNext(stretches);
  }
}

/// Splits every piece at what `find` (text, ranges) -> Status finds in it.
template <typename Find> Status splitEach(Pieces &pieces, Behavior behavior, bool invert, Find find) {
  std::vector<Piece> split;
  std::vector<Range> matches;
  for (size_t i = 0; i < pieces.list.size(); ++i) {
    const Piece &piece = pieces.list[i];
    std::string_view text = pieces[i];
    matches.clear();
    if (Status status = find(text, matches); !status)
      return status;
    std::vector<Stretch> stretches = stretchesOf(text.size(), matches, invert);
    applyBehavior(behavior, stretches);
    for (const Stretch &stretch : stretches) {
      auto [begin, end] = stretch.range;
      if (begin != end)
        split.push_back({piece.begin + static_cast<uint32_t>(begin), piece.begin + static_cast<uint32_t>(end),
                         begin > 0 || piece.opens, begin == 0 && piece.atStart});
    }
  }
  pieces.list = std::move(split);
  return Status::success();
}

/// Matches every character that `holds` is true of.
template <typename Holds> auto charactersThat(Holds holds) {
  return [holds](std::string_view text, std::vector<Range> &matches) {
    for (size_t position = 0; position < text.size();) {
      size_t begin = position;
      if (holds(nextChar(text, position)))
        matches.push_back({begin, position});
    }
    return Status::success();
  };
}

/// Rebuilds the text: `rewrite` (piece, its text, out) appends what each piece becomes.
template <typename Rewrite> Status rewriteEach(Pieces &pieces, Rewrite rewrite) {
  std::string out;
  out.reserve(pieces.text.size() + pieces.text.size() / 4);
  for (size_t i = 0; i < pieces.list.size(); ++i) {
    Piece &piece = pieces.list[i];
    auto begin = static_cast<uint32_t>(out.size());
    rewrite(piece, pieces[i], out);
    if (out.size() > longestText)
      return makeError(ExitStatus::Input, "pre-tokenization makes a text longer than {} bytes", longestText);
    piece.begin = begin;
    piece.end = static_cast<uint32_t>(out.size());
  }
  pieces.text = std::move(out);
  return Status::success();
}

/// Radford et al., "Language models are unsupervised multitask learners" (2019), `encoder.py`.
constexpr std::string_view gpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

class ByteLevel final : public PreTokenizer {
public:
  ByteLevel(bool addPrefixSpace, std::optional<Pattern> pattern)
      : addPrefixSpace(addPrefixSpace), pattern(std::move(pattern)) {}

  Status apply(Pieces &pieces) const override {
    if (addPrefixSpace)
      if (Status status = rewriteEach(pieces, prependSpace); !status)
        return status;
    if (pattern) {
      auto find = [&](std::string_view text, std::vector<Range> &matches) { return pattern->findAll(text, matches); };
      if (Status status = splitEach(pieces, Behavior::Isolated, false, find); !status)
        return status;
    }
    return rewriteEach(pieces, [](const Piece &, std::string_view text, std::string &out) {
      for (char byte : text)
        out += characterOfByte(static_cast<uint8_t>(byte));
    });
  }

private:
  static void prependSpace(const Piece &piece, std::string_view text, std::string &out) {
    if (piece.opens && !text.starts_with(' '))
      out += ' ';
    out += text;
  }

  bool addPrefixSpace;
  std::optional<Pattern> pattern;
};

class Split final : public PreTokenizer {
public:
  Split(Pattern pattern, Behavior behavior, bool invert)
      : pattern(std::move(pattern)), behavior(behavior), invert(invert) {}

  Status apply(Pieces &pieces) const override {
    return splitEach(pieces, behavior, invert, [this](std::string_view text, std::vector<Range> &matches) {
      return pattern.findAll(text, matches);
    });
  }

private:
  Pattern pattern;
  Behavior behavior;
  bool invert;
};

/// Splits at characters of a class.
class CharacterSplit final : public PreTokenizer {
public:
  CharacterSplit(bool (*holds)(char32_t), Behavior behavior) : holds(holds), behavior(behavior) {}

  Status apply(Pieces &pieces) const override { return splitEach(pieces, behavior, false, charactersThat(holds)); }

private:
  bool (*holds)(char32_t);
  Behavior behavior;
};

class Whitespace final : public PreTokenizer {
public:
  Status apply(Pieces &pieces) const override {
    return splitEach(pieces, Behavior::Removed, true, [](std::string_view text, std::vector<Range> &matches) {
      enum class Kind { Space, Word, Other } previous = Kind::Space;
      for (size_t position = 0; position < text.size();) {
        size_t begin = position;
        char32_t character = nextChar(text, position);
        Kind kind = isWord(character) ? Kind::Word : isWhiteSpace(character) ? Kind::Space : Kind::Other;
        if (kind != Kind::Space && kind == previous)
          matches.back().end = position;
        else if (kind != Kind::Space)
          matches.push_back({begin, position});
        previous = kind;
      }
      return Status::success();
    });
  }
};

class Metaspace final : public PreTokenizer {
public:
  Metaspace(std::string replacement, Pattern pattern, PrependScheme scheme, bool split)
      : replacement(std::move(replacement)), pattern(std::move(pattern)), scheme(scheme), split(split) {}

  Status apply(Pieces &pieces) const override {
    auto rewrite = [this](const Piece &piece, std::string_view text, std::string &out) {
      bool prepends = scheme == PrependScheme::Always || (scheme == PrependScheme::First && piece.atStart);
      if (prepends && piece.opens && !text.starts_with(' ') && !text.starts_with(replacement))
        out += replacement;
      for (char byte : text)
        if (byte == ' ')
          out += replacement;
        else
          out += byte;
    };
    if (Status status = rewriteEach(pieces, rewrite); !status || !split)
      return status;
    return splitEach(
        pieces, Behavior::MergedWithNext, false,
        [this](std::string_view text, std::vector<Range> &matches) { return pattern.findAll(text, matches); });
  }

private:
  std::string replacement;
  Pattern pattern; // finds `replacement`
  PrependScheme scheme;
  bool split;
};

class PreTokenizerSequence final : public PreTokenizer {
public:
  explicit PreTokenizerSequence(std::vector<PreTokenizerPtr> members) : members(std::move(members)) {}

  Status apply(Pieces &pieces) const override {
    for (const PreTokenizerPtr &member : members)
      if (Status status = member->apply(pieces); !status)
        return status;
    return Status::success();
  }

private:
  std::vector<PreTokenizerPtr> members;
};

} // namespace

Pieces::Pieces(Passage passage) : text(std::move(passage.text)) {
  if (!text.empty())
    list.push_back({0, static_cast<uint32_t>(text.size()), passage.opens, passage.atStart});
}

Expected<PreTokenizerPtr> makeByteLevel(bool addPrefixSpace, bool useRegex) {
  std::optional<Pattern> pattern;
  if (useRegex) {
    Expected<Pattern> compiled = Pattern::regex(gpt2Pattern);
    if (!compiled)
      return compiled.error();
    pattern = std::move(*compiled);
  }
  return PreTokenizerPtr(std::make_unique<ByteLevel>(addPrefixSpace, std::move(pattern)));
}

PreTokenizerPtr makeSplit(Pattern pattern, Behavior behavior, bool invert) {
  return std::make_unique<Split>(std::move(pattern), behavior, invert);
}

PreTokenizerPtr makeDigits(bool individual) {
  return std::make_unique<CharacterSplit>(isNumeric, individual ? Behavior::Isolated : Behavior::Contiguous);
}

PreTokenizerPtr makePunctuation(Behavior behavior) { return std::make_unique<CharacterSplit>(isPunctuation, behavior); }

PreTokenizerPtr makeWhitespace() { return std::make_unique<Whitespace>(); }

PreTokenizerPtr makeWhitespaceSplit() { return std::make_unique<CharacterSplit>(isWhiteSpace, Behavior::Removed); }

Expected<PreTokenizerPtr> makeMetaspace(std::string replacement, PrependScheme scheme, bool split) {
  Expected<Pattern> pattern = Pattern::literal(replacement);
  if (!pattern)
    return pattern.error();
  return PreTokenizerPtr(std::make_unique<Metaspace>(std::move(replacement), std::move(*pattern), scheme, split));
}

PreTokenizerPtr makePreTokenizerSequence(std::vector<PreTokenizerPtr> members) {
  return std::make_unique<PreTokenizerSequence>(std::move(members));
}

} // namespace ftc::runtime::text
