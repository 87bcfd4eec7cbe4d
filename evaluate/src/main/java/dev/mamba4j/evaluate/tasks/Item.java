package dev.mamba4j.evaluate.tasks;

import java.util.List;

/**
 * A question of a task.
 *
 * @param requests one for each choice; a single one where a continuation is to be guessed
 * @param lengths of the choices in characters, by which acc_norm divides
 * @param gold number of the right choice, from 0
 */
public record Item(List<Request> requests, List<Integer> lengths, int gold) {
  /** Keeps what is given from changing. */
  public Item {
    requests = List.copyOf(requests);
    lengths = List.copyOf(lengths);
  }

  /** A question with one continuation, which is to be guessed. */
  static Item guess(String context, String continuation) {
    return new Item(List.of(new Request(context, continuation)), List.of(continuation.length()), 0);
  }

  /** A question that each choice continues after a space. */
  static Item choice(String context, List<String> choices, int gold) {
    return new Item(
        choices.stream().map(choice -> new Request(context, " " + choice)).toList(),
        choices.stream().map(PythonText::length).toList(),
        gold);
  }
}
