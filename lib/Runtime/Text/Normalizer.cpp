#include "Normalizer.h"

#include "Unicode.h"

#include <fmt/format.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

namespace ftc::runtime::text {

namespace {

class UnicodeNormalizer final : public Normalizer {
public:
  explicit UnicodeNormalizer(UnicodeForm form) : form(form) {}

  Status apply(Passage &passage) const override {
    UErrorCode code = U_ZERO_ERROR;
    const icu::Normalizer2 *normalizer = instance(code);
    std::string out;
    icu::StringByteSink<std::string> sink(&out);
    if (U_SUCCESS(code))
      normalizer->normalizeUTF8(0, icu::StringPiece(passage.text.data(), static_cast<int32_t>(passage.text.size())),
                                sink, nullptr, code);
    if (U_FAILURE(code))
      return makeError(ExitStatus::Bug, "ICU cannot normalize a text: {}", u_errorName(code));
    passage.text = std::move(out);
    return Status::success();
  }

private:
  const icu::Normalizer2 *instance(UErrorCode &code) const {
    switch (form) {
    case UnicodeForm::NFC:
      return icu::Normalizer2::getNFCInstance(code);
    case UnicodeForm::NFD:
      return icu::Normalizer2::getNFDInstance(code);
    case UnicodeForm::NFKC:
      return icu::Normalizer2::getNFKCInstance(code);
    case UnicodeForm::NFKD:
      return icu::Normalizer2::getNFKDInstance(code);
    }
    return nullptr;
  }

  UnicodeForm form;
};

class Lowercase final : public Normalizer {
public:
  Status apply(Passage &passage) const override {
    std::string out;
    out.reserve(passage.text.size());
    for (size_t position = 0; position < passage.text.size();)
      appendLower(out, nextChar(passage.text, position));
    passage.text = std::move(out);
    return Status::success();
  }
};

class Strip final : public Normalizer {
public:
  Strip(bool left, bool right) : left(left), right(right) {}

  Status apply(Passage &passage) const override {
    std::string_view text = passage.text;
    size_t begin = 0, end = text.size();
    if (right && passage.closes)
      while (end > 0 && isWhiteSpace(lastChar(text.substr(0, end))))
        do
          --end;
        while ((static_cast<uint8_t>(text[end]) & 0xC0) == 0x80);
    if (left && passage.opens)
      for (size_t next = 0; begin < end && isWhiteSpace(nextChar(text, next));)
        begin = next;
    if (begin > 0)
      passage.atStart = false;
    passage.text = std::string(text.substr(begin, end - begin));
    return Status::success();
  }

private:
  bool left;
  bool right;
};

class StripAccents final : public Normalizer {
public:
  Status apply(Passage &passage) const override {
    std::string out;
    out.reserve(passage.text.size());
    for (size_t position = 0; position < passage.text.size();) {
      char32_t character = nextChar(passage.text, position);
      if (!isMark(character))
        appendChar(out, character);
      else if (out.empty())
        passage.atStart = false;
    }
    passage.text = std::move(out);
    return Status::success();
  }
};

class Replace final : public Normalizer {
public:
  Replace(Pattern pattern, std::string content) : pattern(std::move(pattern)), content(std::move(content)) {}

  Status apply(Passage &passage) const override {
    Expected<std::string> replaced = pattern.replaceAll(passage.text, content);
    if (!replaced)
      return replaced.error();
    passage.text = std::move(*replaced);
    return Status::success();
  }

private:
  Pattern pattern;
  std::string content;
};

class Prepend final : public Normalizer {
public:
  explicit Prepend(std::string prefix) : prefix(std::move(prefix)) {}

  Status apply(Passage &passage) const override {
    if (passage.opens && !passage.text.empty())
      passage.text.insert(0, prefix);
    return Status::success();
  }

private:
  std::string prefix;
};

class NormalizerSequence final : public Normalizer {
public:
  explicit NormalizerSequence(std::vector<NormalizerPtr> members) : members(std::move(members)) {}

  Status apply(Passage &passage) const override {
    for (const NormalizerPtr &member : members)
      if (Status status = member->apply(passage); !status)
        return status;
    return Status::success();
  }

private:
  std::vector<NormalizerPtr> members;
};

} // namespace

NormalizerPtr makeUnicodeNormalizer(UnicodeForm form) { return std::make_unique<UnicodeNormalizer>(form); }
NormalizerPtr makeLowercase() { return std::make_unique<Lowercase>(); }
NormalizerPtr makeStrip(bool left, bool right) { return std::make_unique<Strip>(left, right); }
NormalizerPtr makeStripAccents() { return std::make_unique<StripAccents>(); }
NormalizerPtr makeReplace(Pattern pattern, std::string content) {
  return std::make_unique<Replace>(std::move(pattern), std::move(content));
}
NormalizerPtr makePrepend(std::string prefix) { return std::make_unique<Prepend>(std::move(prefix)); }
NormalizerPtr makeNormalizerSequence(std::vector<NormalizerPtr> members) {
  return std::make_unique<NormalizerSequence>(std::move(members));
}

} // namespace ftc::runtime::text
