package dev.mamba4j.compress;

import dev.mamba4j.formats.tensor.TensorType;

/** The value of {@code general.file_type}: llama.cpp's {@code enum llama_ftype}. */
enum FileType {
  ALL_F32(0),
  MOSTLY_F16(1),
  MOSTLY_Q4_0(2),
  MOSTLY_Q4_1(3),
  MOSTLY_Q8_0(7),
  MOSTLY_Q5_0(8),
  MOSTLY_Q5_1(9),
  MOSTLY_Q2_K(10),
  MOSTLY_Q3_K(12),
  MOSTLY_Q4_K(15),
  MOSTLY_Q5_K(17),
  MOSTLY_Q6_K(18),
  MOSTLY_IQ4_NL(25),
  MOSTLY_IQ4_XS(30),
  MOSTLY_BF16(32);

  private final int id;

  FileType(int id) {
    this.id = id;
  }

  int id() {
    return id;
  }

  /** What a file is called whose matrices have this type for the most part. */
  static FileType of(TensorType main) {
    return switch (main) {
      case F16 -> MOSTLY_F16;
      case BF16 -> MOSTLY_BF16;
      case Q8_0 -> MOSTLY_Q8_0;
      case Q4_0 -> MOSTLY_Q4_0;
      case Q4_1 -> MOSTLY_Q4_1;
      case Q5_0 -> MOSTLY_Q5_0;
      case Q5_1 -> MOSTLY_Q5_1;
      case Q2_K -> MOSTLY_Q2_K;
      case Q3_K -> MOSTLY_Q3_K;
      case Q4_K -> MOSTLY_Q4_K;
      case Q5_K -> MOSTLY_Q5_K;
      case Q6_K -> MOSTLY_Q6_K;
      case IQ4_NL -> MOSTLY_IQ4_NL;
      case IQ4_XS -> MOSTLY_IQ4_XS;
      default -> ALL_F32;
    };
  }
}
