//===- Infill.cpp - texts whose middle comes last ----------------------------===//

#include "RowReader.h"

#include "ftc/Runtime/Core/Philox.h"

#include <algorithm>
#include <cmath>

namespace ftc::runtime::data {

/// The tokens before prefix, suffix and middle, as published models call them.
static constexpr std::array<std::string_view, 3> knownSentinels[] = {
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
    {"\u2581<PRE>", "\u2581<SUF>", "\u2581<MID>"},
    {"<PRE>", "<SUF>", "<MID>"},
    {"<\uff5cfim\u2581begin\uff5c>", "<\uff5cfim\u2581hole\uff5c>", "<\uff5cfim\u2581end\uff5c>"},
};

Status RowReader::findSentinels() {
  auto find = [&](const auto &names) {
    for (size_t i = 0; i < sentinels.size(); ++i) {
      std::optional<int32_t> id = codec->tokenizer().idOf(names[i]);
      if (!id)
        return std::optional<std::string>(names[i]);
      sentinels[i] = *id;
    }
    return std::optional<std::string>();
  };
  const std::vector<std::string> &given = options.infill.sentinels;
  if (given.size() == sentinels.size()) {
    if (std::optional<std::string> missing = find(given))
      return makeError(ExitStatus::Input, "{}: the tokenizer has no token {}", options.path, quote(*missing));
    return Status::success();
  }
  for (const auto &known : knownSentinels)
    if (!find(known))
      return Status::success();
  return makeError(ExitStatus::Input,
                   "{}: the tokenizer has no tokens for infilling that are known; name three tokens that it has, "
                   "'sentinels: [\"<PRE>\", \"<SUF>\", \"<MID>\"]'",
                   options.path);
}

/// The start of the character that the byte at `place` belongs to.
static size_t characterAt(std::string_view text, size_t place) {
  while (place > 0 && place < text.size() && (static_cast<unsigned char>(text[place]) & 0xC0) == 0x80)
    --place;
  return place;
}

Expected<Sequence> RowReader::readInfill(std::string_view text, int64_t number) const {
  auto chance = [&](uint64_t index) {
    return randomUniform(static_cast<uint64_t>(options.infill.seed), static_cast<uint64_t>(number), index);
  };
  if (chance(0) >= options.infill.rate)
    return readText(std::span(&text, 1));
  auto cut = [&](uint64_t index) {
    return characterAt(text, static_cast<size_t>(chance(index) * static_cast<double>(text.size() + 1)));
  };
  auto [begin, end] = std::minmax({cut(1), cut(2)});
  std::string_view prefix = text.substr(0, begin), middle = text.substr(begin, end - begin), suffix = text.substr(end);
  const text::Tokenizer &tokenizer = codec->tokenizer();
  Sequence sequence;
  auto add = [&](std::span<const int32_t> ids) { sequence.ids.insert(sequence.ids.end(), ids.begin(), ids.end()); };
  auto encode = [&](std::string_view part) -> Status {
    Expected<std::vector<int32_t>> ids = tokenizer.encode(part, {.addSpecialTokens = false, .continues = true});
    if (!ids)
      return ids.error();
    add(*ids);
    return Status::success();
  };
  add(tokenizer.tokensBefore());
  bool suffixFirst = chance(3) < options.infill.spm;
  sequence.ids.push_back(sentinels[0]);
  if (!suffixFirst)
    if (Status status = encode(prefix); !status)
      return status.error();
  sequence.ids.push_back(sentinels[1]);
  if (Status status = encode(suffix); !status)
    return status.error();
  sequence.ids.push_back(sentinels[2]);
  if (Status status = encode(suffixFirst ? text.substr(0, end) : middle); !status)
    return status.error();
  add(tokenizer.tokensAfter());
  sequence.weights = {{static_cast<int32_t>(sequence.ids.size()), 1}};
  addEndToken(sequence);
  return sequence;
}

} // namespace ftc::runtime::data
