#include "infrastructure/site_local/accelerators.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace weir::site_local {
namespace {

// Devices that every machine has stand for accelerators: 1:5, 1:7, 1:8 and, shared, 1:9.
std::vector<AcceleratorDevice> three() {
  return {{"GPU-a", "CUDA_VISIBLE_DEVICES", {"/dev/zero"}, {"/dev/urandom"}},
          {"GPU-b", "CUDA_VISIBLE_DEVICES", {"/dev/full", "/dev/nonexistent"}, {"/dev/urandom"}},
          {"GPU-c", "ROCR_VISIBLE_DEVICES", {"/dev/random"}, {}, false}};
}

RunOrder asking(uint32_t count) {
  RunOrder out;
  out.spec.accelerators = count;
  out.environment = {"PATH=/bin", "CUDA_VISIBLE_DEVICES=0,1,2", "CUDA_VISIBLE_DEVICES_NOT=x"};
  return out;
}

using Numbers = std::vector<DeviceNumber>;
using Names = std::vector<std::string>;

TEST(GiveAccelerators, NoneMeansThatNoneCanBeOpened) {
  RunOrder order = asking(0);
  ASSERT_TRUE(give_accelerators(order, three(), {}, true));
  EXPECT_EQ(order.accelerators, Names{});
  EXPECT_EQ(order.denied_devices, (Numbers{{1, 5}, {1, 7}, {1, 8}, {1, 9}}));
  EXPECT_EQ(order.environment, (Names{"PATH=/bin", "CUDA_VISIBLE_DEVICES_NOT=x",
                                      "CUDA_VISIBLE_DEVICES=", "ROCR_VISIBLE_DEVICES="}));
}

TEST(GiveAccelerators, GivesWhatNobodyHas) {
  RunOrder order = asking(1);
  ASSERT_TRUE(give_accelerators(order, three(), {{"GPU-a", 1000}}, true));
  EXPECT_EQ(order.accelerators, Names{"GPU-b"});
  EXPECT_EQ(order.denied_devices, (Numbers{{1, 5}, {1, 8}}));
  EXPECT_EQ(std::count(order.environment.begin(), order.environment.end(), "CUDA_VISIBLE_DEVICES=GPU-b"), 1);
}

TEST(GiveAccelerators, GivesAllAndNotOneMore) {
  RunOrder all = asking(2);
  ASSERT_TRUE(give_accelerators(all, three(), {}, true));
  EXPECT_EQ(all.accelerators, (Names{"GPU-a", "GPU-b"}));
  EXPECT_EQ(all.denied_devices, (Numbers{{1, 8}}));
  EXPECT_EQ(std::count(all.environment.begin(), all.environment.end(), "CUDA_VISIBLE_DEVICES=GPU-a,GPU-b"),
            1);
  RunOrder over = asking(3);
  EXPECT_EQ(give_accelerators(over, three(), {}, true).error().code, ErrorCode::kInvalid);
  RunOrder busy = asking(2);
  const Status refused = give_accelerators(busy, three(), {{"GPU-b", 1000}}, true);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(refused.error().what, "asks for 2 accelerators, and 1 of 2 are free");
  EXPECT_EQ(busy.accelerators, Names{});
}

TEST(GiveAccelerators, AShareIsGivenBesideOthersAndToldToTheRuntime) {
  RunOrder order = asking(1);
  order.spec.accelerator_milli = 400;
  order.spec.accelerator_memory_bytes = uint64_t{8} << 30;
  ASSERT_TRUE(give_accelerators(order, three(), {{"GPU-a", 600}, {"GPU-b", 601}}, true));
  EXPECT_EQ(order.accelerators, Names{"GPU-a"});
  EXPECT_EQ(order.denied_devices, (Numbers{{1, 7}, {1, 8}}));
  for (const char* variable :
       {"CUDA_VISIBLE_DEVICES=GPU-a", "WEIR_ACCELERATOR_MILLI=400", "WEIR_ACCELERATOR_MEMORY_BYTES=8589934592",
        "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=40", "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT=0=8192M"}) {
    EXPECT_EQ(std::count(order.environment.begin(), order.environment.end(), variable), 1) << variable;
  }
  RunOrder full = asking(1);
  full.spec.accelerator_milli = 400;
  const Status refused = give_accelerators(full, three(), {{"GPU-a", 601}, {"GPU-b", 1000}}, true);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(refused.error().what, "asks for 400 thousandths of an accelerator, and 0 of 2 are free");
  RunOrder whole = asking(1);
  ASSERT_TRUE(give_accelerators(whole, three(), {{"GPU-a", 1}}, true));
  EXPECT_EQ(whole.accelerators, Names{"GPU-b"}) << "who has a whole one has it alone";
  RunOrder two = asking(2);
  two.spec.accelerator_milli = 400;
  EXPECT_EQ(give_accelerators(two, three(), {}, true).error().code, ErrorCode::kInvalid);
}

TEST(GiveAccelerators, GivesTheDevicesThatAreNamedOrNone) {
  RunOrder order = asking(1);
  order.spec.accelerator_devices = 0b10;
  ASSERT_TRUE(give_accelerators(order, three(), {}, true));
  EXPECT_EQ(order.accelerators, Names{"GPU-b"});
  RunOrder taken = asking(1);
  taken.spec.accelerator_devices = 0b10;
  EXPECT_EQ(give_accelerators(taken, three(), {{"GPU-b", 1}}, true).error().code, ErrorCode::kExhausted);
  RunOrder unknown = asking(1);
  unknown.spec.accelerator_devices = 0b100;  // there, but not offered
  EXPECT_EQ(give_accelerators(unknown, three(), {}, true).error().code, ErrorCode::kInvalid);
  RunOrder more = asking(1);
  more.spec.accelerator_devices = 0b11;
  EXPECT_EQ(give_accelerators(more, three(), {}, true).error().code, ErrorCode::kInvalid);
}

TEST(GiveAccelerators, FilesThatTheDriverMakesLaterAreDeniedByTheNumbersToCome) {
  const std::filesystem::path root = std::filesystem::path(testing::TempDir()) / "numbers_to_come";
  std::filesystem::create_directories(root / "proc");
  std::ofstream(root / "proc/devices") << "Character devices:\n  1 mem\n195 nvidia\n508 nvidia-uvm\n\n"
                                          "Block devices:\n  7 loop\n";
  const auto file = [&root](const char* name) { return (root / "dev" / name).string(); };
  const std::vector<std::string> shared = {file("nvidiactl"), file("nvidia-uvm"), file("nvidia-uvm-tools"),
                                           file("nvidia-modeset")};
  const std::vector<AcceleratorDevice> devices = {
      {"GPU-a", "CUDA_VISIBLE_DEVICES", {file("nvidia0")}, shared},
      {"GPU-b", "CUDA_VISIBLE_DEVICES", {file("nvidia12"), file("nvidia-caps"), file("dri")}, shared}};
  RunOrder none = asking(0);
  ASSERT_TRUE(give_accelerators(none, devices, {}, true));
  EXPECT_EQ(none.denied_devices, (Numbers{{195, 0}, {195, 12}, {195, 254}, {195, 255}, {508, 0}, {508, 1}}));
  RunOrder one = asking(1);
  ASSERT_TRUE(give_accelerators(one, devices, {}, true));
  EXPECT_EQ(one.denied_devices, (Numbers{{195, 12}}));
  std::filesystem::remove_all(root);
  RunOrder unloaded = asking(0);
  ASSERT_TRUE(give_accelerators(unloaded, devices, {}, true));
  EXPECT_EQ(unloaded.denied_devices, (Numbers{{195, 0}, {195, 12}, {195, 254}, {195, 255}}));
}

TEST(GiveAccelerators, WithoutAFilterOnlyVariablesTell) {
  RunOrder order = asking(1);
  ASSERT_TRUE(give_accelerators(order, three(), {}, false));
  EXPECT_EQ(order.accelerators, Names{"GPU-a"});
  EXPECT_TRUE(order.denied_devices.empty());
}

TEST(GiveAccelerators, AMachineWithoutAnyChangesNothing) {
  RunOrder order = asking(0);
  ASSERT_TRUE(give_accelerators(order, {}, {}, true));
  EXPECT_EQ(order, asking(0));
  RunOrder one = asking(1);
  EXPECT_EQ(give_accelerators(one, {}, {}, true).error().what, "asks for 1 accelerator of 0");
}

TEST(CheckAccelerators, NamesAreTheirOwn) {
  auto devices = three();
  EXPECT_TRUE(check_accelerators(devices));
  devices[1].name = "GPU-a";
  EXPECT_EQ(check_accelerators(devices).error().code, ErrorCode::kInvalid);
  devices[1].name = "";
  EXPECT_FALSE(check_accelerators(devices));
}

}  // namespace
}  // namespace weir::site_local
