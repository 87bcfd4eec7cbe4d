package dev.mamba4j.formats.tensor;

/**
 * The integers of one block and the numbers that they multiply, as the block stores them. Types
 * without scales of groups have one group.
 */
final class BlockCodes {
  /** Scale of the block; a number that half precision holds. */
  float d;

  /** Scale of the minimums, or the added number where there is one group. */
  float dMin;

  /** (groups), as stored: unsigned, an offset included. */
  final int[] scales;

  /** (groups), as stored. */
  final int[] minimums;

  /** (values), as stored: 0 to 2^bits - 1. */
  final int[] quants;

  BlockCodes(int groups, int values) {
    scales = new int[groups];
    minimums = new int[groups];
    quants = new int[values];
  }
}
