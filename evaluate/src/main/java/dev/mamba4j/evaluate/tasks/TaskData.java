package dev.mamba4j.evaluate.tasks;

/**
 * Where the questions of a task are.
 *
 * @param filePrefix how the names of its files begin, in lower case
 * @param split the part of the data set that is asked
 * @param example what a row looks like, for messages
 */
public record TaskData(String filePrefix, Split split, String example) {}
