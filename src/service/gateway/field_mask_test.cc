#include "service/gateway/field_mask.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

constexpr const char* kSites = R"({"items":[{"site":{"kind":"Site","metadata":{"name":"a","labels":{"x":"1"},"generation":2},"status":{"state":"active"}}},)"
                               R"({"tenant":{"metadata":{"name":"t"}}}],"nextPageToken":"n","version":"7"})";

// What is left of the list, in JSON, or what is wrong with the paths.
std::string kept(std::string_view paths) {
  const auto tree = parse_field_mask(paths, *v1::ListResponse::descriptor());
  if (!tree) return tree.error().what;
  v1::ListResponse list;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(kSites, &list).ok());
  keep_fields(*tree, list);
  std::string out;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(list, &out).ok());
  return out;
}

TEST(FieldMask, KeepsWhatItNames) {
  EXPECT_EQ(kept("version"), R"({"version":"7"})");
  EXPECT_EQ(kept("version,next_page_token"), R"({"nextPageToken":"n","version":"7"})");
  EXPECT_EQ(kept("nextPageToken"), R"({"nextPageToken":"n"})") << "as in JSON";
  EXPECT_EQ(kept("items.site.metadata.name"), R"({"items":[{"site":{"metadata":{"name":"a"}}},{}]})") << "through lists";
  EXPECT_EQ(kept("items.site.metadata.labels,items.site.kind"), R"({"items":[{"site":{"kind":"Site","metadata":{"labels":{"x":"1"}}}},{}]})");
  EXPECT_EQ(kept("items.tenant"), R"({"items":[{},{"tenant":{"metadata":{"name":"t"}}}]})");
}

TEST(FieldMask, TheWiderPathWins) {
  const std::string whole = R"({"items":[{"site":{"metadata":{"name":"a","labels":{"x":"1"},"generation":2}}},{}]})";
  EXPECT_EQ(kept("items.site.metadata,items.site.metadata.name"), whole);
  EXPECT_EQ(kept("items.site.metadata.name,items.site.metadata"), whole);
  EXPECT_EQ(kept("items.site.metadata,items.site.metadata.name,items.site.metadata.generation"), whole);
}

TEST(FieldMask, SaysWhichPathLeadsNowhere) {
  for (const char* wrong : {"nonsense", "version.x", "items.site.metadata.labels.x", "items..site", ".items", "items.", "", "items.site.Metadata", "*"}) {
    EXPECT_EQ(kept(wrong), "\"" + std::string(wrong) + "\" names no field of ListResponse");
  }
  EXPECT_EQ(kept("version,items.castle"), "\"items.castle\" names no field of ListResponse");
  EXPECT_EQ(kept("items.site.metadata,items.site.metadata.nonsense"), "\"items.site.metadata.nonsense\" names no field of ListResponse") << "below a whole one too";
  EXPECT_EQ(kept("version,"), "\"\" names no field of ListResponse");
}

TEST(FieldMask, NumberAndDepthAreBounded) {
  std::string paths = "version";
  for (int i = 0; i < 63; ++i) paths += ",version";
  EXPECT_EQ(kept(paths), R"({"version":"7"})");
  EXPECT_EQ(kept(paths + ",version"), "are more than 64");
  // Through a message that holds itself.
  const auto& self = *google::protobuf::DescriptorProto::descriptor();
  const auto nested = [&](size_t of) {
    std::string path;
    for (size_t i = 0; i < of; ++i) path += i == 0 ? "nested_type" : ".nested_type";
    return parse_field_mask(path, self);
  };
  EXPECT_TRUE(nested(15));
  EXPECT_TRUE(nested(16));
  ASSERT_FALSE(nested(17));
  EXPECT_NE(nested(17).error().what.find("is deeper than 16"), std::string::npos);
}

}  // namespace
}  // namespace weir::gateway
