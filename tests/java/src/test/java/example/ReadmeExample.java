package example;

import java.util.Random;
import org.lossmith.Context;
import org.lossmith.InfoNce;
import org.lossmith.LossResult;
import org.lossmith.Tensor;

/** The example of the README, between the markers word for word. */
public final class ReadmeExample {
  private ReadmeExample() {}

  /**
   * Runs it.
   *
   * @param args none
   */
  public static void main(String[] args) {
    // example:begin
    Random random = new Random(1);
    float[] images = new float[512 * 64];
    float[] texts = new float[512 * 64];
    for (int i = 0; i < images.length; i++) {
      images[i] = (float) random.nextGaussian();
      texts[i] = images[i] + (float) random.nextGaussian();
    }
    InfoNce loss = InfoNce.symmetric(0.07).withNormalize(true); // CLIP: both directions, unit rows
    try (Context context = Context.cpu();
        Tensor x = Tensor.of(images, 512, 64);
        Tensor y = Tensor.of(texts, 512, 64);
        LossResult result = loss.evaluate(context, x, y)) {
      System.out.println("loss " + result.loss());
      System.out.println("d loss / d texts[0] = " + result.gradient("y").toFloatArray()[0]);
    }
    // example:end
  }
}
