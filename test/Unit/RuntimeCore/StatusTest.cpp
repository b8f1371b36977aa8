#include "ftc/Runtime/Core/Status.h"
#include "ftc/Runtime/Core/Utf8.h"

#include <gtest/gtest.h>

#include <memory>

using namespace ftc::runtime;

TEST(Status, carriesTheExitStatus) {
  Status status = makeError(ExitStatus::Memory, "{} bytes", 7);
  EXPECT_FALSE(bool(status));
  EXPECT_EQ(status.error().status, ExitStatus::Memory);
  EXPECT_EQ(status.error().message, "7 bytes");
  EXPECT_TRUE(bool(Status::success()));
}

TEST(Status, expectedHoldsWhatCannotBeCopied) {
  Expected<std::unique_ptr<int>> value(std::make_unique<int>(3));
  ASSERT_TRUE(bool(value));
  EXPECT_EQ(**value, 3);
  std::unique_ptr<int> taken = *std::move(value);
  EXPECT_EQ(*taken, 3);
}

TEST(Quote, escapesWhatATerminalWouldObey) {
  EXPECT_EQ(quote("plain \u00e9\U0001F600"), "'plain \u00e9\U0001F600'");
  EXPECT_EQ(quote("a'b\\c"), "'a\\'b\\\\c'");
  EXPECT_EQ(quote("\x1b[2J\n\x7f"), "'\\x1b[2J\\x0a\\x7f'");
  EXPECT_EQ(quote("\xC2\x9B"), "'\\xc2\\x9b'");
  EXPECT_EQ(quote("\u202E"), "'\\xe2\\x80\\xae'");
  EXPECT_EQ(quote("\xFFz\xED\xA0\x80"), "'\\xffz\\xed\\xa0\\x80'");
  EXPECT_EQ(quote(std::string(1000, 'x')).size(), 124u);
}

TEST(Utf8, findsTheFirstMalformedSequence) {
  EXPECT_EQ(validUtf8Prefix("a\u00e9\u20ac\U0001F600"), 10u);
  for (const char *text : {"ab\x80", "ab\xC0\xAF", "ab\xC3", "ab\xE0\x80\x80", "ab\xED\xA0\x80", "ab\xF0\x80\x80\x80",
                           "ab\xF4\x90\x80\x80", "ab\xF5\x80\x80\x80", "ab\xE2\x28\xA1"})
    EXPECT_EQ(validUtf8Prefix(text), 2u) << quote(text);
}
