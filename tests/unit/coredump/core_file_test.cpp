#include "daemon/coredump/core_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace unwedge::coredump {
namespace {

using testing::HasSubstr;

class a_core_file : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = "/tmp/uwcoreXXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    folder = made;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }
  std::string unpacked(const std::string& name) const {
    std::ifstream in(folder + "/" + name, std::ios::binary);
    const std::string packed{std::istreambuf_iterator<char>(in), {}};
    std::string out(4u << 20, '\0');
    const auto size = ZSTD_decompressDCtx(unpacker, out.data(), out.size(), packed.data(), packed.size());
    EXPECT_EQ(ZSTD_isError(size), 0u);
    out.resize(size);
    return out;
  }

  std::string folder;
  ZSTD_DCtx* unpacker = ZSTD_createDCtx();
  ~a_core_file() override { ZSTD_freeDCtx(unpacker); }
};

std::string noise(std::size_t bytes) {
  std::mt19937 random(7);
  std::string out(bytes, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST_F(a_core_file, has_no_name_until_it_is_kept) {
  auto file = core_file::create(folder, "core-a.zst", {.least_free = 0});
  ASSERT_TRUE(file) << file.error();
  const auto text = noise(1u << 20);
  ASSERT_TRUE(file->write(bytes_of(text)));
  EXPECT_EQ(files(), 0u);
  const auto size = file->keep();
  ASSERT_TRUE(size) << size.error();
  EXPECT_EQ(std::filesystem::file_size(folder + "/core-a.zst"), *size);
  EXPECT_EQ(unpacked("core-a.zst"), text);
  struct stat is{};
  ASSERT_EQ(::stat((folder + "/core-a.zst").c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777, 0600u);
}

TEST_F(a_core_file, that_is_given_up_leaves_nothing) {
  {
    auto file = core_file::create(folder, "core-a.zst", {.least_free = 0});
    ASSERT_TRUE(file && file->write(bytes_of(noise(1u << 20))));
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(a_core_file, is_bounded) {
  auto file = core_file::create(folder, "core-a.zst", {.most_bytes = 1u << 20, .least_free = 0});
  ASSERT_TRUE(file);
  const auto done = file->write(bytes_of(noise(3u << 20)));
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error(), HasSubstr("larger than 1 MiB"));
}

TEST_F(a_core_file, takes_nothing_of_a_disk_that_is_short_of_space) {
  const auto file = core_file::create(folder, "core-a.zst", {.least_free = std::uint64_t{1} << 60});
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error(), HasSubstr("[core] min_free"));
}

TEST_F(a_core_file, never_replaces_another) {
  std::ofstream(folder + "/core-a.zst") << "mine";
  const auto file = core_file::create(folder, "core-a.zst", {.least_free = 0});
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error(), HasSubstr("core-a.zst"));
}

TEST_F(a_core_file, never_replaces_one_that_comes_meanwhile) {
  auto file = core_file::create(folder, "core-a.zst", {.least_free = 0});
  ASSERT_TRUE(file);
  std::ofstream(folder + "/core-a.zst") << "mine";
  EXPECT_FALSE(file->keep());
  EXPECT_EQ(std::filesystem::file_size(folder + "/core-a.zst"), 4u);
}

}  // namespace
}  // namespace unwedge::coredump
