package dev.mamba4j.compress.hub;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RepositoryReferenceTest {

  @ParameterizedTest
  @CsvSource({
    "state-spaces/mamba2-130m, state-spaces/mamba2-130m, main",
    "gpt2, gpt2, main",
    "  gpt2  , gpt2, main",
    "AntonV/mamba2-130m-hf@v1.0, AntonV/mamba2-130m-hf, v1.0",
    "o/n@refs/pr/1, o/n, refs/pr/1",
    "https://huggingface.co/state-spaces/mamba2-2.7b, state-spaces/mamba2-2.7b, main",
    "https://huggingface.co/state-spaces/mamba2-2.7b/, state-spaces/mamba2-2.7b, main",
    "HTTPS://HuggingFace.co/o/n, o/n, main",
    "hf.co/o/n@dev, o/n, dev",
    "https://hf.co/o/n/tree/dev?not-for-all-audiences=true#files, o/n, dev",
    "https://huggingface.co/o/n/tree/refs%2Fpr%2F1, o/n, refs/pr/1",
    "https://huggingface.co/gpt2/tree/main, gpt2, main"
  })
  void readsNamesAndAddresses(String text, String name, String revision) throws Exception {
    assertThat(RepositoryReference.parse(text)).isEqualTo(new RepositoryReference(name, revision));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "a/b/c",
        "a/",
        "/b",
        "..",
        "../b",
        "a/..",
        ".a",
        "a.",
        "a/-b",
        "a--b",
        "a..b",
        "a/b.git",
        "a b",
        "a/b\nc",
        "a/b?c",
        "a/b%2f",
        "a\\b",
        "naïve/x",
        "a/b@",
        "a/b@x y",
        "a/b@../x",
        "a/b@x\u001b",
        "a@b@c d",
        "datasets/o/n",
        "spaces/o/n",
        "https://huggingface.co/",
        "https://huggingface.co/datasets/o/n",
        "https://huggingface.co/o/n/blob/main/config.json",
        "https://huggingface.co/o/n/tree/main/sub",
        "https://huggingface.co/o/n/tree/%zz",
        "https://example.com/o/n"
      })
  void refusesWhatIsNoRepository(String text) {
    PullFixture.assertOneLine(() -> RepositoryReference.parse(text)).containsIgnoringCase("not ");
  }

  @Test
  void namesAFolder() throws Exception {
    assertThat(RepositoryReference.parse("o/n-1.0@x").folderName()).isEqualTo("n-1.0");
    assertThat(RepositoryReference.parse("gpt2").folderName()).isEqualTo("gpt2");
  }
}
