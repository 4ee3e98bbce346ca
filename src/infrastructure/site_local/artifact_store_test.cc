#include "infrastructure/site_local/artifact_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace weir::site_local {
namespace {

namespace fs = std::filesystem;

// FIPS 180-2, appendix B.1.
const std::string kAbcDigest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class ArtifactStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/weir-artifact-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::ofstream(folder_ / "abc") << "abc";
    std::ofstream(folder_ / "abd") << "abd";
  }
  void TearDown() override { fs::remove_all(folder_); }
  size_t stored() const {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "store/sha256"))
      count += entry.exists() ? 1 : 0;
    return count;
  }
  fs::path folder_;
};

TEST_F(ArtifactStoreTest, DigestIsSha256) { EXPECT_EQ(digest_of(folder_ / "abc").value(), kAbcDigest); }

TEST_F(ArtifactStoreTest, FetchesAndVerifies) {
  auto store = ArtifactStore::open(folder_ / "store").value();
  EXPECT_EQ(store.verified(kAbcDigest).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(store.fetch(folder_ / "abc", kAbcDigest));
  EXPECT_TRUE(store.fetch(folder_ / "gone", kAbcDigest)) << "there already";
  const fs::path path = store.verified(kAbcDigest).value();
  EXPECT_EQ(path, folder_ / "store/sha256" / kAbcDigest);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0555u);
}

TEST_F(ArtifactStoreTest, WrongBytesAreNotStored) {
  auto store = ArtifactStore::open(folder_ / "store").value();
  const Status status = store.fetch(folder_ / "abd", kAbcDigest);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(status.error().what.find(kAbcDigest), std::string::npos);
  EXPECT_EQ(stored(), 0u);
}

TEST_F(ArtifactStoreTest, LaterTamperingIsSeen) {
  auto store = ArtifactStore::open(folder_ / "store").value();
  ASSERT_TRUE(store.fetch(folder_ / "abc", kAbcDigest));
  const fs::path path = store.verified(kAbcDigest).value();
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  std::ofstream(path) << "abd";
  EXPECT_EQ(store.verified(kAbcDigest).error().code, ErrorCode::kCorrupt);
  fs::remove(path);
  fs::create_symlink(folder_ / "abc", path);
  EXPECT_EQ(store.verified(kAbcDigest).error().code, ErrorCode::kCorrupt)
      << "a link could be turned after the check";
}

TEST_F(ArtifactStoreTest, DigestsAreNotPaths) {
  auto store = ArtifactStore::open(folder_ / "store").value();
  EXPECT_EQ(store.verified("../../abc").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store.fetch(folder_ / "abc", "").error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace weir::site_local
