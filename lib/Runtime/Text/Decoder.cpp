#include "Decoder.h"

#include "ByteAlphabet.h"
#include "Unicode.h"

#include <charconv>

namespace ftc::runtime::text {

namespace {

class ByteLevelDecoder final : public Decoder {
public:
  Status apply(std::vector<std::string> &tokens) const override {
    std::string bytes;
    for (const std::string &token : tokens)
      appendBytes(token, bytes);
    tokens = {toValidUtf8(bytes)};
    return Status::success();
  }

private:
  /// A token that has a character of no byte stands for itself.
  static void appendBytes(const std::string &token, std::string &bytes) {
    size_t begin = bytes.size();
    for (size_t position = 0; position < token.size();) {
      std::optional<uint8_t> byte = byteOfCharacter(nextChar(token, position));
      if (!byte) {
        bytes.resize(begin);
        bytes += token;
        return;
      }
      bytes += static_cast<char>(*byte);
    }
  }
};

class ByteFallback final : public Decoder {
public:
  Status apply(std::vector<std::string> &tokens) const override {
    std::vector<std::string> out;
    std::string bytes;
    auto flush = [&] {
      if (isValidUtf8(bytes) && !bytes.empty())
        out.push_back(bytes);
      else
        out.insert(out.end(), bytes.size(), std::string(replacementCharacter));
      bytes.clear();
    };
    for (std::string &token : tokens) {
      if (std::optional<uint8_t> byte = namedByte(token)) {
        bytes += static_cast<char>(*byte);
        continue;
      }
      flush();
      out.push_back(std::move(token));
    }
    flush();
    tokens = std::move(out);
    return Status::success();
  }

private:
  static std::optional<uint8_t> namedByte(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>'))
      return std::nullopt;
    uint8_t byte = 0;
    auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
    if (error != std::errc() || end != token.data() + 5)
      return std::nullopt;
    return byte;
  }
};

class Fuse final : public Decoder {
public:
  Status apply(std::vector<std::string> &tokens) const override {
    std::string all;
    for (const std::string &token : tokens)
      all += token;
    tokens = {std::move(all)};
    return Status::success();
  }
};

class StripDecoder final : public Decoder {
public:
  StripDecoder(std::string content, size_t start, size_t stop)
      : content(std::move(content)), start(start), stop(stop) {}

  Status apply(std::vector<std::string> &tokens) const override {
    for (std::string &token : tokens) {
      std::string_view text = token;
      for (size_t i = 0; i < start && text.starts_with(content); ++i)
        text.remove_prefix(content.size());
      for (size_t i = 0; i < stop && text.ends_with(content); ++i)
        text.remove_suffix(content.size());
      token = std::string(text);
    }
    return Status::success();
  }

private:
  std::string content;
  size_t start;
  size_t stop;
};

class ReplaceDecoder final : public Decoder {
public:
  ReplaceDecoder(Pattern pattern, std::string content) : pattern(std::move(pattern)), content(std::move(content)) {}

  Status apply(std::vector<std::string> &tokens) const override {
    for (std::string &token : tokens) {
      Expected<std::string> replaced = pattern.replaceAll(token, content);
      if (!replaced)
        return replaced.error();
      token = std::move(*replaced);
    }
    return Status::success();
  }

private:
  Pattern pattern;
  std::string content;
};

/// Replaces `pattern`, by one text in most tokens and by another in the first or last.
class EndsDecoder final : public Decoder {
public:
  enum class End { First, Last };

  EndsDecoder(Pattern pattern, std::string content, End end, std::string atEnd)
      : pattern(std::move(pattern)), content(std::move(content)), end(end), atEnd(std::move(atEnd)) {}

  Status apply(std::vector<std::string> &tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      bool special = end == End::First ? i == 0 : i + 1 == tokens.size();
      Expected<std::string> replaced = pattern.replaceAll(tokens[i], special ? atEnd : content);
      if (!replaced)
        return replaced.error();
      tokens[i] = std::move(*replaced);
    }
    return Status::success();
  }

private:
  Pattern pattern;
  std::string content;
  End end;
  std::string atEnd;
};

class DecoderSequence final : public Decoder {
public:
  explicit DecoderSequence(std::vector<DecoderPtr> members) : members(std::move(members)) {}

  Status apply(std::vector<std::string> &tokens) const override {
    for (const DecoderPtr &member : members)
      if (Status status = member->apply(tokens); !status)
        return status;
    return Status::success();
  }

private:
  std::vector<DecoderPtr> members;
};

} // namespace

DecoderPtr makeByteLevelDecoder() { return std::make_unique<ByteLevelDecoder>(); }
DecoderPtr makeByteFallback() { return std::make_unique<ByteFallback>(); }
DecoderPtr makeFuse() { return std::make_unique<Fuse>(); }
DecoderPtr makeStripDecoder(std::string content, size_t start, size_t stop) {
  return std::make_unique<StripDecoder>(std::move(content), start, stop);
}
DecoderPtr makeReplaceDecoder(Pattern pattern, std::string content) {
  return std::make_unique<ReplaceDecoder>(std::move(pattern), std::move(content));
}

Expected<DecoderPtr> makeMetaspaceDecoder(std::string replacement, PrependScheme scheme) {
  Expected<Pattern> pattern = Pattern::literal(std::move(replacement));
  if (!pattern)
    return pattern.error();
  std::string atStart = scheme == PrependScheme::Never ? " " : "";
  return DecoderPtr(std::make_unique<EndsDecoder>(std::move(*pattern), " ", EndsDecoder::End::First, atStart));
}

Expected<DecoderPtr> makeSuffixDecoder(std::string suffix) {
  Expected<Pattern> pattern = Pattern::literal(std::move(suffix));
  if (!pattern)
    return pattern.error();
  return DecoderPtr(std::make_unique<EndsDecoder>(std::move(*pattern), " ", EndsDecoder::End::Last, ""));
}

DecoderPtr makeDecoderSequence(std::vector<DecoderPtr> members) {
  return std::make_unique<DecoderSequence>(std::move(members));
}

} // namespace ftc::runtime::text
