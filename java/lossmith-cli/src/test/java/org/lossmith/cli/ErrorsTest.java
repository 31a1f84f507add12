package org.lossmith.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lossmith.cli.npy.NpyBytes;

/** Every error is one line on stderr that names flag, expected and got. */
class ErrorsTest extends LeakFreeTest {
  @TempDir static Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    NpyBytes.matrix(folder.resolve("x.npy"), new double[][] {{1, 0}, {0, 1}});
    NpyBytes.matrix(folder.resolve("wide.npy"), new double[][] {{1, 0, 0}, {0, 1, 0}});
    NpyBytes.write(folder.resolve("f4.npy"), NpyBytes.dictionary("<f4", false, 2, 2), new byte[16]);
    NpyBytes.write(folder.resolve("i8.npy"), NpyBytes.dictionary("<i8", false, 2, 2), new byte[32]);
    Files.writeString(folder.resolve("text.npy"), "no array");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          ""                                        | lossmith: expected a command, got none
          compute                                   | lossmith: expected one of
          --frobnicate                              | got '--frobnicate'
          eval                                      | expected an operation (infonce, cwcl, decoupled-softmax
          eval clip                                 | expected one of infonce, cwcl, decoupled-softmax
          eval cwcl                                 | --x: expected a .npy file, got nothing
          eval cwcl --x x --y x                     | expected exactly one of --reference and --weights
          eval cwcl --x x --y x --refrence x        | did you mean --reference?
          eval infonce --x x --y x --temperature 0  | --temperature: expected a finite value > 0, got 0
          eval infonce --x x --y x --temperature hot | '--temperature': 'hot' is not a double
          eval infonce --x x --y x --max-scale -1   | --max-scale: expected
          eval infonce --x x --y x --label-smoothing 1 | --label-smoothing: expected
          eval infonce --x x --y x --reduction avg  | '--reduction': expected one of
          eval infonce --x x --y x --dtype f8       | '--dtype': expected one of
          eval infonce --x x --y x --dtype u8       | --dtype: expected f32, bf16, f16 or f64, got u8
          eval infonce --x x --y x --device gpu     | expected cpu or cuda:NUMBER, got 'gpu'
          eval infonce --x x --y x --budget lots    | expected bytes with an optional suffix
          eval infonce --x x --y x --threads -3     | --threads: expected
          eval infonce --x x --y x --repeat 0       | --repeat: expected at least 1, got 0
          eval infonce --x x --y x --symmetric --row-coefficient 1 | --symmetric: expected without
          eval infonce --x x --y x --grad-bias g    | --grad-bias: expected with --bias, got no --bias
          train                                     | lossmith train: expected a model (xmc: points to labels), got none
          train llm                                 | lossmith train: expected one of xmc, got 'llm'
          train xmc --loss hinge                    | '--loss': expected one of
          train xmc --update newton                 | '--update': expected one of
          train xmc --train x                       | --test: expected a file as --train is given, got none
          train xmc --test x                        | --train: expected a file as --test is given, got none
          train xmc --quick --train x --test x      | --quick: expected without files, got --train
          train xmc --epochs 0                      | --epochs: expected at least 1, got 0
          train xmc --batch 0                       | --batch: expected at least 1, got 0
          train xmc --dimension -2                  | --dimension: expected at least 1, got -2
          train xmc --rate 0                        | --rate: expected a finite value > 0, got 0
          train xmc --label-rate inf                | '--label-rate': 'inf' is not a double
          train xmc --quick --quiet --temperature 0 | --temperature: expected a finite value > 0, got 0
          train xmc --quick --quiet --alpha -1 --loss soft-topk | --alpha: expected
          train xmc --quick --quiet --sample -1     | --sample: expected
          train xmc --quick --quiet --label-smoothing 1 --loss softmax | --label-smoothing: expected
          train xmc --quick --quiet --k 900 --loss soft-topk | --k: expected
          train xmc --threads -3 --quick --quiet    | --threads: expected
          train xmc --device tpu                    | expected cpu or cuda:NUMBER, got 'tpu'
          train xmc --restart                       | --restart: expected with --checkpoint, got no --checkpoint
          train xmc --checkpoint-every 5            | --checkpoint-every: expected with --checkpoint
          train xmc --checkpoint c --checkpoint-every 0 | --checkpoint-every: expected at least 1, got 0
          train xmc --checkpoint no/such/c          | expected a folder that exists, got none
          quantize                                  | 'IN'
          quantize a.onnx                           | Missing required option: '--out=OUT'
          quantize a.onnx --out b --bits 1          | --bits: expected 2 to 8, got 1
          quantize a.onnx --out b --bits few        | '--bits': 'few' is not an int
          quantize a.onnx --out b --method cubic    | '--method': expected one of
          quantize a.onnx --out b --exponent 0      | expected search-tensor, search-channel, search-network or a number from 0.01 to 16, got '0'
          quantize a.onnx --out b --exponent most   | got 'most'
          quantize a.onnx --out b --method uniform --exponent 1 | --exponent: expected with --method power, got --method uniform
          quantize a.onnx --out b --group 0         | --group: expected at least 1, got 0
          quantize a.onnx --out b --group 4 --per-tensor | mutually exclusive
          quantize a.onnx --out b --report ./b      | --report: expected another file than --out, got ./b
          quantize a.onnx --out b --calibration c --method uniform-asymmetric | --calibration: expected a symmetric grid
          inspect                                   | 'FILE'
          demo --epochs 0                           | --epochs: expected at least 1, got 0
          demo --temperature -1                     | --temperature: expected a finite value > 0, got -1
          """)
  void wrongUsageExitsWith2(String words, String message) {
    assertFails(2, words, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          eval infonce --x no --y x     | no.npy: no such file or directory
          eval infonce --x text --y x   | text.npy: expected a .npy file
          eval infonce --x i8 --y x     | i8.npy: expected f2, f4 or f8 elements, got i64 of shape [2, 2]
          eval infonce --x f4 --y x     | x.npy: expected f32 as --x has, got f64; --dtype converts
          eval infonce --x x --y wide   | wide.npy: expected
          eval infonce --x x --y x --ignore x | x.npy: expected u1, bool or integer elements, got f64
          eval infonce --x x --y x --device cuda:7 | cuda:7
          eval infonce --x x --y x --budget 1B      | --budget: expected at least
          quantize no.onnx --out b                  | no.onnx: no such file or directory
          inspect no.safetensors                    | no.safetensors: no such file or directory
          eval infonce --x x --y x --grad-x no/such/folder | no such file or directory
          """)
  void failuresExitWith1(String words, String message) {
    assertFails(1, words, message);
  }

  @Test
  void aFlagOfTheInputIsNamed() {
    Cli run = run("eval infonce --x x --y wide");
    assertTrue(run.err().startsWith("lossmith eval infonce: --y " + folder), run.err());
    assertTrue(run.err().contains("got"), run.err());
  }

  @Test
  void aFailedCallWritesNothing() {
    run("eval infonce --x x --y wide --grad-x gx");
    assertFalse(Files.exists(folder.resolve("gx.npy")));
  }

  @Test
  void helpGoesToStdoutAndExitsWith0() {
    for (String command : List.of("--help", "eval --help", "eval cwcl --help", "demo --help")) {
      Cli run = run(command);
      assertEquals(0, run.code());
      assertEquals("", run.err());
      assertTrue(run.out().startsWith("Usage: lossmith"), run.out());
      assertFalse(run.out().contains("\u001b"), "no colours off a terminal");
      assertTrue(run.out().lines().allMatch(l -> l.length() <= 100), run.out());
    }
  }

  private static void assertFails(int code, String words, String message) {
    Cli run = run(words);
    assertEquals(code, run.code(), run.err());
    assertEquals("", run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("lossmith"), run.err());
    assertTrue(run.err().contains(message), run.err());
  }

  /** Runs a line of words; after a flag for a file the word stands for a file of the folder. */
  private static Cli run(String line) {
    List<String> files =
        List.of("--x", "--y", "--reference", "--ignore", "--grad-x", "--grad-bias");
    String[] words = line.isEmpty() ? new String[0] : line.split(" ");
    for (int i = 1; i < words.length; i++) {
      if (files.contains(words[i - 1])) {
        words[i] = folder.resolve(words[i] + ".npy").toString();
      }
    }
    return Cli.run((Object[]) words);
  }
}
