#pragma once

// The types of the Kubernetes API as text, read once by schema.cc. A line names a type and its
// members, a line that begins with blanks goes on with the one above, and "@package" says where the
// types below it belong.
//
//   member[?][[]|{}][:type]=number    ?: a zero is not the same as absent; []: a list; {}: a map
//   from strings
//   +:type=number                     the members of `type`, beside the others in JSON, a message
//   of their own in protobuf
//
// Without a type a member is a string. int, long (32 and 64 bits), bool, bytes, Time, MicroTime,
// Quantity, IntOrString and Raw (any JSON) are built in. Two types of one name are told apart by
// the group in front: resource.ResourceClaim.
namespace dray::devcluster {

extern const char kVolumeTypes[];
extern const char kPodTypes[];
extern const char kCoreTypes[];
extern const char kMetaTypes[];
extern const char kReviewTypes[];
extern const char kResourceTypes[];
extern const char kGroupTypes[];

}  // namespace dray::devcluster
