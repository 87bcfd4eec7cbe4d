package dev.mamba4j.engine.sampling;

/** An option is out of range. */
public final class OptionException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String option;
  private final String complaint;

  /**
   * @param option its name in Java
   * @param expected what would do
   */
  public OptionException(String option, String expected, Object found) {
    super(option + " must be " + expected + ", not " + found);
    this.option = option;
    complaint = " must be " + expected + ", not " + found;
  }

  /** The name of the option, that of a component of its record. */
  public String option() {
    return option;
  }

  /** The message for one who knows the option by another name. */
  public String messageFor(String name) {
    return name + complaint;
  }
}
