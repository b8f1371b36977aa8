//===- PlotTest.cpp - curves as SVG, and where they come from ----------------===//

#include "ftc/Runtime/Run/Curves.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace ftc::run;

namespace {

Panel falling(const std::string &title, size_t count, double from, double to) {
  Panel panel{title, {Curve{title, {}, {}}}, {}};
  for (size_t i = 0; i < count; ++i) {
    panel.curves[0].x.push_back(double(i + 1));
    panel.curves[0].y.push_back(from + (to - from) * double(i) / double(count));
  }
  return panel;
}

size_t countOf(const std::string &text, const std::string &part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

TEST(Plot, ACurveWithItsAxes) {
  std::string picture = drawPanels(std::vector<Panel>{falling("run", 40, 2, 1)});
  EXPECT_TRUE(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"420\""));
  EXPECT_TRUE(picture.ends_with("</svg>\n"));
  EXPECT_TRUE(has(picture, ">step (updates)</text>"));
  EXPECT_TRUE(has(picture, ">loss</text>"));
  EXPECT_TRUE(has(picture, ">2 to 1.025 in 40 steps</text>"));
  for (const char *tick : {">1.0</text>", ">1.2</text>", ">2.0</text>", ">10</text>", ">40</text>"})
    EXPECT_TRUE(has(picture, tick)) << tick;
  EXPECT_EQ(countOf(picture, "<polyline"), 1u);
  EXPECT_EQ(countOf(picture, "<polygon"), 0u); // each point is drawn
}

TEST(Plot, ALongCurveIsABandAndItsMeans) {
  std::string picture = drawPanels(std::vector<Panel>{falling("run", 100000, 2, 1)});
  EXPECT_EQ(countOf(picture, "<polygon"), 1u);
  EXPECT_LT(picture.size(), 12000u);
}

TEST(Plot, ValuesFarApartGetALogarithmicAxis) {
  std::string picture = drawPanels(std::vector<Panel>{falling("run", 40, 7, 0.1)});
  EXPECT_TRUE(has(picture, ">loss (logarithmic)</text>"));
  for (const char *tick : {">0.5</text>", ">1</text>", ">2</text>", ">5</text>"})
    EXPECT_TRUE(has(picture, tick)) << tick;
  EXPECT_FALSE(has(drawPanels(std::vector<Panel>{falling("run", 40, 7, -1)}), "logarithmic"));
}

TEST(Plot, ValuesThatDifferInTheLastPlaceOnlyAreEqual) {
  for (double value : {0.69314718055994506, 1e-300, 0.0, -3e9})
    EXPECT_LT(countOf(drawPanels(std::vector<Panel>{falling("run", 2, value, std::nextafter(value, 1))}), "<text"),
              40u);
}

TEST(Plot, SeveralCurvesHaveALegend) {
  Panel panel = falling("run", 10, 2, 1);
  panel.curves[0].name = "rank=4 & more";
  panel.curves.push_back(falling("", 10, 2, 0.5).curves[0]);
  panel.curves[1].name = "rank=8";
  panel.marks = {{"after", 10, 1.5, 0}, {"after", 10, 1.25, 1}};
  std::string picture = drawPanels(std::vector<Panel>{panel});
  EXPECT_TRUE(has(picture, ">rank=4 &amp; more</text>"));
  EXPECT_TRUE(has(picture, ">rank=8</text>"));
  EXPECT_TRUE(has(picture, ">0.65</text>")); // its last value
  EXPECT_EQ(countOf(picture, "\u25c7 after"), 1u);
  EXPECT_FALSE(has(picture, " steps</text>"));
}

TEST(Plot, PanelsStandSideBySide) {
  std::vector<Panel> panels;
  for (const char *title : {"one", "two", "three", "four", "five"})
    panels.push_back(falling(title, 5, 2, 1));
  panels.push_back({"empty", {Curve{}}, {}});
  std::string picture = drawPanels(panels);
  EXPECT_TRUE(has(picture, "width=\"1440\" height=\"640\""));
  EXPECT_TRUE(has(picture, "<g transform=\"translate(480,320)\">"));
  EXPECT_FALSE(has(picture, ">empty</text>"));
}

TEST(Plot, EdgeCases) {
  EXPECT_EQ(drawPanels({}), "");
  EXPECT_EQ(drawPanels(std::vector<Panel>{{"empty", {}, {}}}), "");
  EXPECT_TRUE(has(drawPanels(std::vector<Panel>{falling("one", 1, 3, 3)}), "<circle"));
  for (const std::string &picture : {drawPanels(std::vector<Panel>{falling("flat", 9, 0, 0)}),
                                     drawPanels(std::vector<Panel>{falling("flat", 9, 1e300, 1e300)}),
                                     drawPanels(std::vector<Panel>{falling("tiny", 9, 1e-12, 2e-12)})}) {
    EXPECT_FALSE(has(picture, "nan"));
    EXPECT_FALSE(has(picture, "inf"));
  }
}

TEST(Curves, OfMetrics) {
  std::vector<Panel> panels = panelsOf("{\"step\":1,\"loss\":3,\"train\":\"a\",\"seconds\":1}\n"
                                       "{\"step\":2,\"loss\":2,\"train\":\"a\",\"seconds\":1}\n"
                                       "{\"evaluate\":\"e\",\"loss\":2.5,\"perplexity\":null}\n"
                                       "not JSON\n{\"other\":1}\n"
                                       "{\"step\":1,\"loss\":5,\"train\":\"b\",\"seconds\":1}\n"
                                       "{\"step\":2,\"loss\":4");
  ASSERT_EQ(panels.size(), 2u);
  EXPECT_EQ(panels[0].title, "a");
  EXPECT_EQ(panels[0].curves[0].x, (std::vector<double>{1, 2}));
  EXPECT_EQ(panels[0].curves[0].y, (std::vector<double>{3, 2}));
  ASSERT_EQ(panels[0].marks.size(), 1u);
  EXPECT_EQ(panels[0].marks[0].name, "e");
  EXPECT_EQ(panels[0].marks[0].x, 2);
  EXPECT_EQ(panels[0].marks[0].y, 2.5);
  EXPECT_EQ(panels[1].curves[0].y, std::vector<double>{5});
}

TEST(Curves, ATrainingThatWasDoneAnewIsDrawnOnce) {
  std::vector<Panel> panels =
      panelsOf("{\"step\":1,\"loss\":3,\"train\":\"a\"}\n{\"step\":2,\"loss\":2,\"train\":\"a\"}\n"
               "{\"step\":1,\"loss\":7,\"train\":\"a\"}\n");
  ASSERT_EQ(panels.size(), 1u);
  EXPECT_EQ(panels[0].curves[0].y, std::vector<double>{7});
}

TEST(Curves, OfSeveralRuns) {
  Panel one = falling("run", 3, 2, 1), two = falling("run", 4, 2, 1), other = falling("more", 2, 2, 1);
  two.marks = {{"after", 4, 1, 0}};
  std::vector<std::pair<std::string, std::vector<Panel>>> runs = {{"rank=4", {one}}, {"rank=8", {two, other}}};
  std::vector<Panel> all = overlay(runs);
  ASSERT_EQ(all.size(), 2u);
  ASSERT_EQ(all[0].curves.size(), 2u);
  EXPECT_EQ(all[0].curves[0].name, "rank=4");
  EXPECT_EQ(all[0].curves[1].name, "rank=8");
  EXPECT_EQ(all[0].marks[0].curve, 1u);
  EXPECT_EQ(all[1].title, "more");
  EXPECT_EQ(all[1].curves[0].name, "rank=8");
}

} // namespace
