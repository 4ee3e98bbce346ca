#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/client.h"
#include "core/result/result.h"
#include "service/intent/draft.h"
#include "weir/v1/service.pb.h"

namespace weir::app {

// What a brain tells about itself, for understanding what is said about it.
struct AskedDomain {
  intent::Domain domain;
  google::protobuf::RepeatedPtrField<v1::Resource> sites;
  google::protobuf::RepeatedPtrField<v1::Resource> intents;  // that the caller may see, of the tenant if one is given
  std::string tenant;                                        // as given, else the only one there is, else empty
};
Result<AskedDomain> read_domain(Client& client, const std::string& tenant);

}  // namespace weir::app
