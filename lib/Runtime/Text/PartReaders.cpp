//===- PartReaders.cpp - normalizers, splits, templates and decoders of tokenizer.json ----------------------------===//

#include "TokenizerReader.h"

#include "Unicode.h"

#include <fmt/format.h>

#include <array>

namespace ftc::runtime::text {

namespace {

/// How a part of one `type` is made of its object.
template <typename T> struct PartType {
  std::string_view type;
  T (*make)(json::ObjectReader &part);
};

/// Makes a part by its `type`.
template <typename T, size_t N>
Expected<T> readPart(const json::Value &value, const std::string &place, const PartType<T> (&types)[N]) {
  json::ObjectReader part(value, place);
  std::string type = part.string("type");
  for (const PartType<T> &known : types)
    if (known.type == type) {
      T made = known.make(part);
      if (Status status = part.status(); !status)
        return status.error();
      return made;
    }
  std::string names;
  for (const PartType<T> &known : types)
    names += (names.empty() ? "" : ", ") + std::string(known.type);
  part.fail(fmt::format("type {} is not supported; supported are {}", quote(type), names));
  return part.status().error();
}

/// Makes the members of a `Sequence`, listed under `key`.
template <typename T>
std::vector<T> readMembers(json::ObjectReader &part, std::string_view key,
                           Expected<T> (*read)(const json::Value &, const std::string &)) {
  std::vector<T> members;
  const json::Array &values = part.array(key);
  for (size_t i = 0; i < values.size() && part.status(); ++i) {
    Expected<T> member = read(values[i], fmt::format("{}[{}]", part.placeOf(key), i));
    if (member)
      members.push_back(std::move(*member));
    else
      part.fail(Status(member.error()));
  }
  return members;
}

/// The value, or a default-constructed one after a mistake.
template <typename T> T take(json::ObjectReader &part, Expected<T> value) {
  if (value)
    return std::move(*value);
  part.fail(value.error().message);
  return T();
}

/// `pattern`: {"String": ...} or {"Regex": ...}.
Pattern readPattern(json::ObjectReader &part) {
  const json::Value *value = part.required("pattern");
  if (!value)
    return Pattern();
  json::ObjectReader pattern(*value, part.placeOf("pattern"));
  std::optional<std::string> literal = pattern.optionalString("String"), regex = pattern.optionalString("Regex");
  if (literal.has_value() == regex.has_value())
    pattern.fail("expected 'String' or 'Regex'");
  part.fail(pattern.status());
  if (!part.status())
    return Pattern();
  return take(part, literal ? Pattern::literal(*literal) : Pattern::regex(*regex));
}

/// A string of exactly one character.
std::string readCharacter(json::ObjectReader &part, std::string_view key) {
  std::string text = part.string(key);
  size_t position = 0;
  if (!text.empty())
    nextChar(text, position);
  if (text.empty() || position != text.size())
    part.fail(fmt::format("'{}' is not one character", key));
  return text;
}

/// One of a list of names, by its number; the first is the fallback.
template <size_t N>
size_t readChoice(json::ObjectReader &part, std::string_view key, const std::array<std::string_view, N> &names) {
  std::optional<std::string> name = part.optionalString(key);
  for (size_t i = 0; i < N && name; ++i)
    if (names[i] == *name)
      return i;
  if (name)
    part.fail(fmt::format("'{}' is {}; expected one of {}", key, quote(*name), fmt::join(names, ", ")));
  return 0;
}

Behavior readBehavior(json::ObjectReader &part) {
  static constexpr std::array<std::string_view, 5> names = {"Isolated", "Removed", "MergedWithPrevious",
                                                            "MergedWithNext", "Contiguous"};
  static constexpr std::array<Behavior, 5> behaviors = {Behavior::Isolated, Behavior::Removed,
                                                        Behavior::MergedWithPrevious, Behavior::MergedWithNext,
                                                        Behavior::Contiguous};
  return behaviors[readChoice(part, "behavior", names)];
}

/// Files of older versions have `add_prefix_space` in place of `prepend_scheme`.
PrependScheme readPrependScheme(json::ObjectReader &part) {
  static constexpr std::array<std::string_view, 3> names = {"always", "first", "never"};
  static constexpr std::array<PrependScheme, 3> schemes = {PrependScheme::Always, PrependScheme::First,
                                                           PrependScheme::Never};
  if (!part.member("prepend_scheme"))
    return part.boolean("add_prefix_space", true) ? PrependScheme::Always : PrependScheme::Never;
  return schemes[readChoice(part, "prepend_scheme", names)];
}

constexpr PartType<NormalizerPtr> normalizerTypes[] = {
    {"NFC", [](json::ObjectReader &) { return makeUnicodeNormalizer(UnicodeForm::NFC); }},
    {"NFD", [](json::ObjectReader &) { return makeUnicodeNormalizer(UnicodeForm::NFD); }},
    {"NFKC", [](json::ObjectReader &) { return makeUnicodeNormalizer(UnicodeForm::NFKC); }},
    {"NFKD", [](json::ObjectReader &) { return makeUnicodeNormalizer(UnicodeForm::NFKD); }},
    {"Lowercase", [](json::ObjectReader &) { return makeLowercase(); }},
    {"Strip",
     [](json::ObjectReader &part) {
       return makeStrip(part.boolean("strip_left", true), part.boolean("strip_right", true));
     }},
    {"StripAccents", [](json::ObjectReader &) { return makeStripAccents(); }},
    {"Replace", [](json::ObjectReader &part) { return makeReplace(readPattern(part), part.string("content")); }},
    {"Prepend", [](json::ObjectReader &part) { return makePrepend(part.string("prepend")); }},
    {"Sequence",
     [](json::ObjectReader &part) { return makeNormalizerSequence(readMembers(part, "normalizers", readNormalizer)); }},
};

constexpr PartType<PreTokenizerPtr> preTokenizerTypes[] = {
    {"ByteLevel",
     [](json::ObjectReader &part) {
       return take(part, makeByteLevel(part.boolean("add_prefix_space", true), part.boolean("use_regex", true)));
     }},
    {"Split",
     [](json::ObjectReader &part) {
       return makeSplit(readPattern(part), readBehavior(part), part.boolean("invert", false));
     }},
    {"Digits", [](json::ObjectReader &part) { return makeDigits(part.boolean("individual_digits", false)); }},
    {"Punctuation", [](json::ObjectReader &part) { return makePunctuation(readBehavior(part)); }},
    {"Whitespace", [](json::ObjectReader &) { return makeWhitespace(); }},
    {"WhitespaceSplit", [](json::ObjectReader &) { return makeWhitespaceSplit(); }},
    {"Metaspace",
     [](json::ObjectReader &part) {
       std::string replacement = readCharacter(part, "replacement");
       PrependScheme scheme = readPrependScheme(part);
       return take(part, makeMetaspace(std::move(replacement), scheme, part.boolean("split", true)));
     }},
    {"Sequence",
     [](json::ObjectReader &part) {
       return makePreTokenizerSequence(readMembers(part, "pretokenizers", readPreTokenizer));
     }},
};

/// Appends the ids of a special token that a template names.
void readTemplateToken(json::ObjectReader &part, const std::string &name, std::vector<int32_t> &ids) {
  const json::Value *tokens = part.required("special_tokens");
  const json::Value *token = tokens ? tokens->find(name) : nullptr;
  if (!token)
    return part.fail(fmt::format("'special_tokens' lacks {}", quote(name)));
  json::ObjectReader entry(*token, part.placeOf("special_tokens"));
  for (const json::Value &id : entry.array("ids")) {
    std::optional<int64_t> number = id.asInteger();
    if (!number || *number < 0 || *number > largestId)
      entry.fail(fmt::format("the ids of {} are not token ids", quote(name)));
    else
      ids.push_back(static_cast<int32_t>(*number));
  }
  part.fail(entry.status());
}

PostProcessor readTemplate(json::ObjectReader &part) {
  PostProcessor processor;
  bool seenText = false;
  for (const json::Value &value : part.array("single")) {
    json::ObjectReader piece(value, part.placeOf("single"));
    if (const json::Value *sequence = piece.member("Sequence")) {
      if (seenText || json::ObjectReader(*sequence, piece.place()).string("id") != "A")
        piece.fail("expected the sequence 'A' once");
      seenText = true;
    } else if (const json::Value *special = piece.required("SpecialToken")) {
      json::ObjectReader named(*special, piece.place());
      readTemplateToken(part, named.string("id"), seenText ? processor.after : processor.before);
    }
    part.fail(piece.status());
  }
  if (!seenText)
    part.fail("'single' lacks the sequence 'A'");
  return processor;
}

/// `cls` and `sep`: [token, id], put around the text.
PostProcessor readClassifierTokens(json::ObjectReader &part) {
  auto idOf = [&](std::string_view key) -> int32_t {
    const json::Array &pair = part.array(key);
    std::optional<int64_t> id = pair.size() == 2 ? pair[1].asInteger() : std::nullopt;
    if (!id || *id < 0 || *id > largestId)
      part.fail(fmt::format("'{}' is not a token with its id", key));
    return static_cast<int32_t>(id.value_or(0));
  };
  return {{idOf("cls")}, {idOf("sep")}};
}

PostProcessor readProcessorSequence(json::ObjectReader &part) {
  PostProcessor all;
  for (const PostProcessor &member : readMembers(part, "processors", readPostProcessor))
    all.wrap(member);
  return all;
}

constexpr PartType<PostProcessor> postProcessorTypes[] = {
    {"TemplateProcessing", readTemplate},
    {"ByteLevel", [](json::ObjectReader &) { return PostProcessor(); }}, // it changes offsets only
    {"RobertaProcessing", readClassifierTokens},
    {"BertProcessing", readClassifierTokens},
    {"Sequence", readProcessorSequence},
};

constexpr PartType<DecoderPtr> decoderTypes[] = {
    {"ByteLevel", [](json::ObjectReader &) { return makeByteLevelDecoder(); }},
    {"ByteFallback", [](json::ObjectReader &) { return makeByteFallback(); }},
    {"Fuse", [](json::ObjectReader &) { return makeFuse(); }},
    {"Strip",
     [](json::ObjectReader &part) {
       std::string content = readCharacter(part, "content");
       auto count = [&](std::string_view key) { return static_cast<size_t>(part.integer(key, 0, 1 << 20)); };
       size_t start = count("start");
       return makeStripDecoder(std::move(content), start, count("stop"));
     }},
    {"Replace", [](json::ObjectReader &part) { return makeReplaceDecoder(readPattern(part), part.string("content")); }},
    {"Metaspace",
     [](json::ObjectReader &part) {
       std::string replacement = readCharacter(part, "replacement");
       return take(part, makeMetaspaceDecoder(std::move(replacement), readPrependScheme(part)));
     }},
    {"BPEDecoder", [](json::ObjectReader &part) { return take(part, makeSuffixDecoder(part.string("suffix"))); }},
    {"Sequence",
     [](json::ObjectReader &part) { return makeDecoderSequence(readMembers(part, "decoders", readDecoder)); }},
};

} // namespace

Expected<NormalizerPtr> readNormalizer(const json::Value &value, const std::string &place) {
  return readPart(value, place, normalizerTypes);
}

Expected<PreTokenizerPtr> readPreTokenizer(const json::Value &value, const std::string &place) {
  return readPart(value, place, preTokenizerTypes);
}

Expected<PostProcessor> readPostProcessor(const json::Value &value, const std::string &place) {
  return readPart(value, place, postProcessorTypes);
}

Expected<DecoderPtr> readDecoder(const json::Value &value, const std::string &place) {
  return readPart(value, place, decoderTypes);
}

} // namespace ftc::runtime::text
