package dev.mamba4j.compress.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChecksumTest {

  /** From {@code git hash-object} and {@code sha256sum}. */
  @ParameterizedTest
  @CsvSource({
    "GIT_BLOB_SHA1, e69de29bb2d1d6434b8b29ae775ad8c2e48c5391, ''",
    "GIT_BLOB_SHA1, b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0, hello",
    "SHA256, e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, ''",
    "SHA256, 2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824, hello"
  })
  void agreesWithGitAndSha256sum(Checksum.Kind kind, String hex, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Checksum checksum = new Checksum(kind, hex);
    MessageDigest digest = checksum.digest(bytes.length);
    digest.update(bytes);
    assertThat(checksum.matches(digest)).isTrue();
    MessageDigest longer = checksum.digest(bytes.length + 1);
    longer.update(bytes);
    longer.update((byte) 0);
    assertThat(checksum.matches(longer)).isFalse();
  }

  @Test
  void refusesWhatIsNone() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Checksum(Checksum.Kind.SHA256, "e69de29b"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Checksum(Checksum.Kind.GIT_BLOB_SHA1, "g".repeat(40)));
  }
}
