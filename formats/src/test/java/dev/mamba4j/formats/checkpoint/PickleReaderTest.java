package dev.mamba4j.formats.checkpoint;

import static dev.mamba4j.formats.checkpoint.Fixtures.assemble;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Opcodes are written as in Python's pickletools; text in quotes stands for its bytes. */
@Timeout(10)
class PickleReaderTest {
  @Test
  void readsValues() throws FormatException {
    // {"i": [1, -1, 258, -129], "f": 1.5, "t": ("a", "b"), 7: {}}
    assertThat(
            read(
                "80 02 '}(X' 01000000 'i](K' 01 'J' ffffffff 'M' 0201 8a 02 7fff 'e'"
                    + "'X' 01000000 'fG' 3ff8000000000000 8c 01 't' 8c 01 'a' 8c 01 'b' 86"
                    + "'K' 07 '}u.'"))
        .isEqualTo(
            Map.of(
                "i",
                List.of(1L, -1L, 258L, -129L),
                "f",
                1.5,
                "t",
                new Tuple(List.of("a", "b")),
                7L,
                Map.of()));
  }

  @Test
  void readsIntegersOfAnyLengthUpToEightBytes() throws FormatException {
    assertThat(read("8a 00 '.'")).isEqualTo(0L);
    assertThat(read("8a 01 ff '.'")).isEqualTo(-1L);
    assertThat(read("8a 05 ffffffff00 '.'")).isEqualTo(4294967295L);
    assertThat(read("8a 08 0000000000000080 '.'")).isEqualTo(Long.MIN_VALUE);
    rejects("8a 09 000000000000000001 '.'").hasMessageContaining("at most 8 bytes, found 9");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "80 02 'cos\nsystem\n(X' 02000000 'lstR.'",
        "80 04 8c 02 'os' 8c 06 'system' 93 8c 02 'ls' 85 'R.'",
        "80 02 '}X' 05000000 'layercos\nsystem\n'",
      })
  void refusesToNameOsSystem(String pickle) {
    assertThatThrownBy(() -> read(pickle))
        .isInstanceOf(FormatException.class)
        .hasMessage("x.bin: pickle asks for os.system, which no checkpoint needs; refused");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "posix\nsystem",
        "builtins\neval",
        "__builtin__\neval",
        "torch\nload",
        "torch\nos.system",
        "torch.serialization\nload",
        "torch._utils\n_rebuild_tensor_v2.__globals__",
        "collections\nCounter",
        "torch\nnull",
        "evil\nOrderedDict",
        "evil\n_rebuild_tensor_v2",
        "evil\nHalfStorage",
        "\n",
      })
  void refusesEveryOtherName(String global) {
    rejects("80 02 'c" + global + "\n.'").hasMessageContaining("pickle asks for ");
  }

  @Test
  void showsAnEvilNameOnOneShortLine() {
    rejects("80 04 8c 02 'os' 8c 04 'a\nb\r' 93 '.'").hasMessageContaining("os.a\\u000ab\\u000d,");
    assertThatThrownBy(() -> read("80 02 'c" + "a".repeat(1_000_000) + "\nb\n.'"))
        .message()
        .hasSizeLessThan(250);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'(icollections\nOrderedDict\n.'", // INST
        "'(ccollections\nOrderedDict\no.'", // OBJ
        "'ccollections\nOrderedDict\n)'  81 '.'", // NEWOBJ
        "82 01 '.'", // EXT1
        "'I1\n.'", // INT
        "'Pabc\n.'", // PERSID
        "97 '.'", // NEXT_BUFFER
        "'g0\n.'", // GET
      })
  void refusesOpcodesThatTorchSaveDoesNotWrite(String pickle) {
    rejects("80 02" + pickle).hasMessageContaining("expected an opcode that torch.save writes");
  }

  @Test
  void callsNothingWithArgumentsOfAnotherKind() {
    rejects("80 02 '))R.'").hasMessageContaining("expected a call of a function");
    rejects("80 02 'ccollections\nOrderedDict\nNR.'").hasMessageContaining("call of a function");
    rejects("80 02 'ccollections\nOrderedDict\n])'  85 'R.'")
        .hasMessageContaining("expected a call of a function, found one of a list");
    rejects("80 02 'ccollections\nOrderedDict\nK' 01 85 'R.'")
        .hasMessageContaining("call of collections.OrderedDict: unexpected number or kinds");
    rejects("80 02 'ctorch._utils\n_rebuild_tensor_v2\n)R.'")
        .hasMessageContaining("call of torch._utils._rebuild_tensor_v2");
    rejects("80 02 'ctorch._utils\n_rebuild_parameter\nNNN' 87 'R.'")
        .hasMessageContaining("call of torch._utils._rebuild_parameter");
    rejects("80 02 'ctorch\nHalfStorage\n)R.'").hasMessageContaining("storage class of F16");
  }

  @Test
  void callsInAChainOfReducesEndAtTheFirst() {
    String dictionary = "'ccollections\nOrderedDict\n)R'";
    rejects(repeat("80 02" + dictionary, "')R'", 100_000, "'.'"))
        .hasMessageContaining("expected a call of a function, found one of a dictionary");
  }

  @Test
  void refusesPersistentIdsThatAreNoStorages() {
    rejects("80 02 'NQ.'").hasMessageContaining("persistent id");
    rejects("80 02 '(X' 07000000 'storageNNNNtQ.'").hasMessageContaining("persistent id");
    rejects("80 02 '(X' 07000000 'storagectorch\nHalfStorage\nX' 01000000 '0NK' 01 'tQ.'")
        .hasMessageContaining("persistent id");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "8e ffffffffffffff7f", // BINBYTES8
        "8e ffffffffffffffff",
        "8d ffffffffffffff7f", // BINUNICODE8
        "8d 0000000000000080",
        "'B' ffffffff", // BINBYTES
        "'X' ffffff7f", // BINUNICODE
        "95 ffffffffffffff7f", // FRAME
        "8c ff 'short'",
        "8a 08 00",
        "'cno newline'",
        "'M' 01",
        "",
      })
  void looksForTheBytesBeforeItTakesThem(String pickle) {
    rejects("80 02" + pickle).hasMessageContaining("more bytes, found");
  }

  @Test
  void refusesMemoNumbersThatWereNeverSet() {
    rejects("80 02 'h' 05 '.'").hasMessageContaining("under number 5, found nothing");
    rejects("80 02 'j' ffffffff '.'").hasMessageContaining("under number 4294967295");
    rejects("80 02 'q' 00 '.'").hasMessageContaining("expected a value on the stack, found none");
  }

  @Test
  void keepsWithinTheStack() {
    rejects("80 02 '.'").hasMessageContaining("expected a value on the stack");
    rejects("80 02 't.'").hasMessageContaining("expected a mark on the stack");
    rejects("80 02 'N(.'").hasMessageContaining("expected a value on the stack");
    rejects("80 02 'N(' 85 '.'").hasMessageContaining("expected 1 values on the stack");
    rejects("80 02 '}NN(s.'").hasMessageContaining("expected 2 values on the stack");
    rejects("80 02 'NNa.'").hasMessageContaining("expected a list to add to, found none");
    rejects("80 02 ']K' 01 'NNs.'").hasMessageContaining("expected a dictionary to add to");
    rejects("80 02 '}(K' 01 'u.'").hasMessageContaining("expected pairs");
    rejects("80 02 ']}b.'").hasMessageContaining("expected attributes of a dictionary");
    rejects("80 02 'NN' 93 '.'").hasMessageContaining("expected a module and a name");
  }

  @Test
  void refusesOtherProtocols() {
    rejects("80 01 'N.'").hasMessageContaining("expected protocol 2 to 5, found 1");
    rejects("80 06 'N.'").hasMessageContaining("expected protocol 2 to 5, found 6");
  }

  @Test
  void survivesDeepNesting() throws FormatException {
    int deep = 999_000;
    assertThat(read(repeat("80 02 ')'", "85", deep, "'.'"))).isInstanceOf(Tuple.class);
    assertThat(read(repeat(repeat("80 02", "']'", deep, ""), "'a'", deep - 1, "'.'")))
        .isInstanceOf(List.class);
    rejects(repeat("80 02", "'('", deep, "'.'")).hasMessageContaining("expected a value");
  }

  @Test
  void takesNoKeyThatWouldHaveToBeHashedForEver() {
    rejects(repeat("80 02 '})'", "85", 999_000, "'Ns.'"))
        .hasMessageContaining("expected a string or a number as key, found a tuple");
    rejects("80 02 '}]q' 00 'h' 00 'aNs.'").hasMessageContaining("as key, found a list");
  }

  @Test
  void sharesTuplesInsteadOfUnfoldingThem() throws FormatException {
    // t = (t, t), a hundred thousand times over: whoever walked it would never come back.
    assertThat(read(repeat("80 02 ')q' 00", "'h' 00 'h' 00 86 'q' 00", 100_000, "'.'")))
        .isInstanceOf(Tuple.class);
  }

  @Test
  void boundsTheSteps() {
    String tooMany = "more than 2000000 steps, which no checkpoint needs";
    rejects(repeat("80 04", "'N' 94", 1_000_001, "'.'")).hasMessageContaining(tooMany);
    rejects(repeat("80 02", "'}'", 2_000_001, "'.'")).hasMessageContaining(tooMany);
    rejects(repeat("80 02 'N'", "'q' 00", 2_000_001, "'.'")).hasMessageContaining(tooMany);
  }

  @Test
  void boundsTheBytes() {
    assertThatThrownBy(
            () -> PickleReader.read(MemorySegment.ofArray(new byte[(32 << 20) + 1]), "x.bin"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("pickle of 33554433 bytes, expected at most 33554432");
  }

  private static byte[] repeat(String before, String unit, int times, String after) {
    return repeat(assemble(before), unit, times, after);
  }

  private static byte[] repeat(byte[] before, String unit, int times, String after) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(before);
    byte[] one = assemble(unit);
    for (int i = 0; i < times; i++) {
      bytes.writeBytes(one);
    }
    bytes.writeBytes(assemble(after));
    return bytes.toByteArray();
  }

  private static Object read(String pickle) throws FormatException {
    return read(assemble(pickle));
  }

  private static Object read(byte[] pickle) throws FormatException {
    return PickleReader.read(MemorySegment.ofArray(pickle), "x.bin");
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> rejects(String pickle) {
    return rejects(assemble(pickle));
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> rejects(byte[] pickle) {
    return assertThatThrownBy(() -> read(pickle))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("x.bin: pickle ")
        .hasMessageNotContaining("\n");
  }
}
