package dev.mamba4j.serve;

import dev.mamba4j.engine.StatePacking;
import dev.mamba4j.engine.sampling.OptionException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How a server runs.
 *
 * @param host address to listen at
 * @param port 0 for any that is free
 * @param modelName what clients call the model
 * @param apiKeys of which a client must show one; none to let in whoever can connect
 * @param origins web pages of other origins that may call, "*" for all
 * @param limits what a client may ask for
 * @param states what is remembered of prompts
 */
public record ServerOptions(
    String host,
    int port,
    String modelName,
    List<String> apiKeys,
    List<String> origins,
    Limits limits,
    States states) {

  /** Checks the port and copies the lists. */
  public ServerOptions {
    require(port >= 0 && port < 1 << 16, "port", "0 to 65535", port);
    apiKeys = List.copyOf(apiKeys);
    origins = List.copyOf(origins);
  }

  /**
   * What a client may ask for.
   *
   * @param parallel sequences that run at the same time; each takes a state's memory
   * @param queue sequences that may wait; more are turned away with 429
   * @param maxBody bytes of a request's body
   * @param maxPrompt tokens of a prompt
   * @param maxTokens the most tokens of an answer, whatever the request asks for
   * @param patience how long a request may run; its answer ends there
   */
  public record Limits(
      int parallel, int queue, int maxBody, int maxPrompt, int maxTokens, Duration patience) {
    /** Checks the numbers. */
    public Limits {
      require(parallel >= 1 && parallel <= 64, "parallel", "1 to 64", parallel);
      require(queue >= 0, "queue", "0 or more", queue);
      require(maxBody >= 1024, "maxBody", "1024 bytes or more", maxBody);
      require(maxPrompt >= 1, "maxPrompt", "1 or more", maxPrompt);
      require(maxTokens >= 1, "maxTokens", "1 or more", maxTokens);
      require(patience.isPositive(), "patience", "more than 0", patience.toSeconds());
    }

    /** Four sequences at a time and 64 waiting, 8 MiB, 131072 and 4096 tokens, half an hour. */
    public static Limits defaults() {
      return new Limits(4, 64, 8 << 20, 1 << 17, 4096, Duration.ofMinutes(30));
    }
  }

  /**
   * What is remembered of prompts.
   *
   * @param memory bytes of memory; 0 to remember nothing
   * @param folder where states go that no longer fit memory, and at the end; none to forget them
   * @param disk the most bytes in that folder
   * @param packing how they are kept
   */
  public record States(long memory, Optional<Path> folder, long disk, StatePacking packing) {
    /** Checks the numbers. */
    public States {
      require(memory >= 0, "memory", "0 or more", memory);
      require(disk >= 0, "disk", "0 or more", disk);
    }

    /** 1 GiB of memory, nothing on disk, 8.5 bits a value. */
    public static States defaults() {
      return new States(1L << 30, Optional.empty(), 4L << 30, StatePacking.INT8);
    }
  }

  /** On 127.0.0.1 at any free port, open to whoever is on this machine. */
  public static ServerOptions defaults(String modelName) {
    return new ServerOptions(
        "127.0.0.1", 0, modelName, List.of(), List.of(), Limits.defaults(), States.defaults());
  }

  private static void require(boolean valid, String option, String expected, Object found) {
    if (!valid) {
      throw new OptionException(option, expected, found);
    }
  }
}
