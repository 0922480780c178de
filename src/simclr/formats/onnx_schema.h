#pragma once

#include <array>
#include <cstdint>
#include <protozero/types.hpp>
#include <string_view>

namespace simclr::detail {

/// The fields' numbers, from onnx.proto.
enum ModelField : protozero::pbf_tag_type {
  kIrVersion = 1,
  kProducerName = 2,
  kProducerVersion = 3,
  kGraph = 7,
  kOpsetImport = 8,
  kMetadataProps = 14
};
enum OpsetField : protozero::pbf_tag_type { kOpsetVersion = 2 };
enum PropertyField : protozero::pbf_tag_type { kPropertyKey = 1, kPropertyValue = 2 };
enum GraphField : protozero::pbf_tag_type {
  kGraphNode = 1,
  kGraphName = 2,
  kGraphInitializer = 5,
  kGraphInput = 11,
  kGraphOutput = 12
};
enum NodeField : protozero::pbf_tag_type {
  kNodeInput = 1,
  kNodeOutput = 2,
  kNodeName = 3,
  kNodeOp = 4,
  kNodeAttribute = 5
};
enum AttributeField : protozero::pbf_tag_type {
  kAttributeName = 1,
  kAttributeFloat = 2,
  kAttributeInt = 3,
  kAttributeString = 4,
  kAttributeInts = 8,
  kAttributeType = 20
};
enum AttributeType : std::int32_t { kFloat = 1, kInt = 2, kString = 3, kInts = 7 };
enum TensorField : protozero::pbf_tag_type {
  kTensorDims = 1,
  kTensorDtype = 2,
  kTensorName = 8,
  kTensorRawData = 9
};
enum ValueField : protozero::pbf_tag_type { kValueName = 1, kValueType = 2 };
enum TypeField : protozero::pbf_tag_type { kTypeTensor = 1 };
enum TensorTypeField : protozero::pbf_tag_type { kElementType = 1, kShape = 2 };
enum ShapeField : protozero::pbf_tag_type { kDimension = 1 };
enum DimensionField : protozero::pbf_tag_type { kDimensionSize = 1, kDimensionName = 2 };

struct OnnxDtype {
  std::string_view name;
  std::int32_t number;
  std::uint64_t bytes;
};
inline constexpr std::array<OnnxDtype, 15> kOnnxDtypes{{{"F32", 1, 4},
                                                        {"U8", 2, 1},
                                                        {"I8", 3, 1},
                                                        {"U16", 4, 2},
                                                        {"I16", 5, 2},
                                                        {"I32", 6, 4},
                                                        {"I64", 7, 8},
                                                        {"BOOL", 9, 1},
                                                        {"F16", 10, 2},
                                                        {"F64", 11, 8},
                                                        {"U32", 12, 4},
                                                        {"U64", 13, 8},
                                                        {"BF16", 16, 2},
                                                        {"F8_E4M3", 17, 1},
                                                        {"F8_E5M2", 19, 1}}};

}  // namespace simclr::detail
