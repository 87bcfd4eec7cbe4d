package dev.mamba4j.compress.transform;

/**
 * What is done to one layer. A column of a projection times a number and the weight of the norm
 * before it divided by that give the same products; channels may change places within a head, and
 * heads within a group, if all that belongs to them goes with them.
 *
 * @param inScale (width), what the columns of ssm_in are multiplied with
 * @param outScale (inner), the same for ssm_out, in the new order
 * @param heads (heads), which head comes where
 * @param channels (inner), which channel comes where, the order of the heads included
 * @param text what was chosen, for people
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record LayerTransform(
    float[] inScale, float[] outScale, int[] heads, int[] channels, String text) {}
