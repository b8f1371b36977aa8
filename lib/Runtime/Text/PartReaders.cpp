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
  T (*make)(ObjectReader &part);
};

/// Makes a part by its `type`.
template <typename T, size_t N>
Expected<T> readPart(const json::Value &value, const std::string &place, const PartType<T> (&types)[N]) {
  ObjectReader part(value, place);
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
std::vector<T> readMembers(ObjectReader &part, std::string_view key,
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
template <typename T> T take(ObjectReader &part, Expected<T> value) {
  if (value)
    return std::move(*value);
  part.fail(value.error().message);
  return T();
}

/// `pattern`: {"String": ...} or {"Regex": ...}.
Pattern readPattern(ObjectReader &part) {
  const json::Value *value = part.required("pattern");
  if (!value)
    return Pattern();
  ObjectReader pattern(*value, part.placeOf("pattern"));
  std::optional<std::string> literal = pattern.optionalString("String"), regex = pattern.optionalString("Regex");
  if (literal.has_value() == regex.has_value())
    pattern.fail("expected 'String' or 'Regex'");
  part.fail(pattern.status());
  if (!part.status())
    return Pattern();
  return take(part, literal ? Pattern::literal(*literal) : Pattern::regex(*regex));
}

/// A string of exactly one character.
std::string readCharacter(ObjectReader &part, std::string_view key) {
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
size_t readChoice(ObjectReader &part, std::string_view key, const std::array<std::string_view, N> &names) {
  std::optional<std::string> name = part.optionalString(key);
  for (size_t i = 0; i < N && name; ++i)
    if (names[i] == *name)
      return i;
  if (name)
    part.fail(fmt::format("'{}' is {}; expected one of {}", key, quote(*name), fmt::join(names, ", ")));
  return 0;
}

Behavior readBehavior(ObjectReader &part) {
  static constexpr std::array<std::string_view, 5> names = {"Isolated", "Removed", "MergedWithPrevious",
                                                            "MergedWithNext", "Contiguous"};
  static constexpr std::array<Behavior, 5> behaviors = {Behavior::Isolated, Behavior::Removed,
                                                        Behavior::MergedWithPrevious, Behavior::MergedWithNext,
                                                        Behavior::Contiguous};
  return behaviors[readChoice(part, "behavior", names)];
}

/// Files of older versions have `add_prefix_space` in place of `prepend_scheme`.
PrependScheme readPrependScheme(ObjectReader &part) {
  static constexpr std::array<std::string_view, 3> names = {"always", "first", "never"};
  static constexpr std::array<PrependScheme, 3> schemes = {PrependScheme::Always, PrependScheme::First,
                                                           PrependScheme::Never};
  if (!part.member("prepend_scheme"))
    return part.boolean("add_prefix_space", true) ? PrependScheme::Always : PrependScheme::Never;
  return schemes[readChoice(part, "prepend_scheme", names)];
}

constexpr PartType<NormalizerPtr> normalizerTypes[] = {
    {"NFC", [](ObjectReader &) { return makeUnicodeNormalizer(UnicodeForm::NFC); }},
    {"NFD", [](ObjectReader &) { return makeUnicodeNormalizer(UnicodeForm::NFD); }},
    {"NFKC", [](ObjectReader &) { return makeUnicodeNormalizer(UnicodeForm::NFKC); }},
    {"NFKD", [](ObjectReader &) { return makeUnicodeNormalizer(UnicodeForm::NFKD); }},
    {"Lowercase", [](ObjectReader &) { return makeLowercase(); }},
    {"Strip",
     [](ObjectReader &part) { return makeStrip(part.boolean("strip_left", true), part.boolean("strip_right", true)); }},
    {"StripAccents", [](ObjectReader &) { return makeStripAccents(); }},
    {"Replace", [](ObjectReader &part) { return makeReplace(readPattern(part), part.string("content")); }},
    {"Prepend", [](ObjectReader &part) { return makePrepend(part.string("prepend")); }},
    {"Sequence",
     [](ObjectReader &part) { return makeNormalizerSequence(readMembers(part, "normalizers", readNormalizer)); }},
};

constexpr PartType<PreTokenizerPtr> preTokenizerTypes[] = {
    {"ByteLevel",
     [](ObjectReader &part) {
       return take(part, makeByteLevel(part.boolean("add_prefix_space", true), part.boolean("use_regex", true)));
     }},
    {"Split",
     [](ObjectReader &part) {
       return makeSplit(readPattern(part), readBehavior(part), part.boolean("invert", false));
     }},
    {"Digits", [](ObjectReader &part) { return makeDigits(part.boolean("individual_digits", false)); }},
    {"Punctuation", [](ObjectReader &part) { return makePunctuation(readBehavior(part)); }},
    {"Whitespace", [](ObjectReader &) { return makeWhitespace(); }},
    {"WhitespaceSplit", [](ObjectReader &) { return makeWhitespaceSplit(); }},
    {"Metaspace",
     [](ObjectReader &part) {
       std::string replacement = readCharacter(part, "replacement");
       PrependScheme scheme = readPrependScheme(part);
       return take(part, makeMetaspace(std::move(replacement), scheme, part.boolean("split", true)));
     }},
    {"Sequence",
     [](ObjectReader &part) { return makePreTokenizerSequence(readMembers(part, "pretokenizers", readPreTokenizer)); }},
};

/// Appends the ids of a special token that a template names.
void readTemplateToken(ObjectReader &part, const std::string &name, std::vector<int32_t> &ids) {
  const json::Value *tokens = part.required("special_tokens");
  const json::Value *token = tokens ? tokens->find(name) : nullptr;
  if (!token)
    return part.fail(fmt::format("'special_tokens' lacks {}", quote(name)));
  ObjectReader entry(*token, part.placeOf("special_tokens"));
  for (const json::Value &id : entry.array("ids")) {
    std::optional<int64_t> number = id.asInteger();
    if (!number || *number < 0 || *number > largestId)
      entry.fail(fmt::format("the ids of {} are not token ids", quote(name)));
    else
      ids.push_back(static_cast<int32_t>(*number));
  }
  part.fail(entry.status());
}

PostProcessor readTemplate(ObjectReader &part) {
  PostProcessor processor;
  bool seenText = false;
  for (const json::Value &value : part.array("single")) {
    ObjectReader piece(value, part.placeOf("single"));
    if (const json::Value *sequence = piece.member("Sequence")) {
      if (seenText || ObjectReader(*sequence, piece.place()).string("id") != "A")
        piece.fail("expected the sequence 'A' once");
      seenText = true;
    } else if (const json::Value *special = piece.required("SpecialToken")) {
      ObjectReader named(*special, piece.place());
      readTemplateToken(part, named.string("id"), seenText ? processor.after : processor.before);
    }
    part.fail(piece.status());
  }
  if (!seenText)
    part.fail("'single' lacks the sequence 'A'");
  return processor;
}

/// `cls` and `sep`: [token, id], put around the text.
PostProcessor readClassifierTokens(ObjectReader &part) {
  auto idOf = [&](std::string_view key) -> int32_t {
    const json::Array &pair = part.array(key);
    std::optional<int64_t> id = pair.size() == 2 ? pair[1].asInteger() : std::nullopt;
    if (!id || *id < 0 || *id > largestId)
      part.fail(fmt::format("'{}' is not a token with its id", key));
    return static_cast<int32_t>(id.value_or(0));
  };
  return {{idOf("cls")}, {idOf("sep")}};
}

PostProcessor readProcessorSequence(ObjectReader &part) {
  PostProcessor all;
  for (const PostProcessor &member : readMembers(part, "processors", readPostProcessor))
    all.wrap(member);
  return all;
}

constexpr PartType<PostProcessor> postProcessorTypes[] = {
    {"TemplateProcessing", readTemplate},
    {"ByteLevel", [](ObjectReader &) { return PostProcessor(); }}, // it changes offsets only
    {"RobertaProcessing", readClassifierTokens},
    {"BertProcessing", readClassifierTokens},
    {"Sequence", readProcessorSequence},
};

constexpr PartType<DecoderPtr> decoderTypes[] = {
    {"ByteLevel", [](ObjectReader &) { return makeByteLevelDecoder(); }},
    {"ByteFallback", [](ObjectReader &) { return makeByteFallback(); }},
    {"Fuse", [](ObjectReader &) { return makeFuse(); }},
    {"Strip",
     [](ObjectReader &part) {
       std::string content = readCharacter(part, "content");
       auto count = [&](std::string_view key) { return static_cast<size_t>(part.integer(key, 0, 1 << 20)); };
       size_t start = count("start");
       return makeStripDecoder(std::move(content), start, count("stop"));
     }},
    {"Replace", [](ObjectReader &part) { return makeReplaceDecoder(readPattern(part), part.string("content")); }},
    {"Metaspace",
     [](ObjectReader &part) {
       std::string replacement = readCharacter(part, "replacement");
       return take(part, makeMetaspaceDecoder(std::move(replacement), readPrependScheme(part)));
     }},
    {"BPEDecoder", [](ObjectReader &part) { return take(part, makeSuffixDecoder(part.string("suffix"))); }},
    {"Sequence", [](ObjectReader &part) { return makeDecoderSequence(readMembers(part, "decoders", readDecoder)); }},
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
