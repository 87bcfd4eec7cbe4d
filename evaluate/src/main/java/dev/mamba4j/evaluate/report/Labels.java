package dev.mamba4j.evaluate.report;

import java.util.ArrayList;
import java.util.List;

/** Finds places for the names beside points where they cover neither points nor each other. */
final class Labels {
  /** A letter of the size that charts use, on average. */
  private static final double LETTER = 6.1;

  private static final double HEIGHT = 13;
  private static final double GAP = 8;
  private static final double DOT = 5;

  private final double left;
  private final double right;
  private final double bottom;
  private final List<Box> taken = new ArrayList<>();

  private record Box(double x, double y, double width, double height) {
    double overlap(Box other) {
      double across = Math.min(x + width, other.x + other.width) - Math.max(x, other.x);
      double down = Math.min(y + height, other.y + other.height) - Math.max(y, other.y);
      return across > 0 && down > 0 ? across * down : 0;
    }
  }

  /**
   * Where a name goes.
   *
   * @param x of its beginning
   * @param y of the line that it stands on
   */
  record Place(double x, double y) {}

  /** Within the place for marks of a plot. */
  Labels(Plot plot) {
    left = plot.left();
    right = plot.right();
    bottom = plot.bottom();
  }

  /** A point that no name shall cover. */
  void point(double x, double y) {
    taken.add(new Box(x - DOT, y - DOT, 2 * DOT, 2 * DOT));
  }

  /** The best place for the name of a point; all points are known by now. */
  Place place(double x, double y, String name) {
    double width = LETTER * name.codePointCount(0, name.length());
    Box best = null;
    double least = Double.POSITIVE_INFINITY;
    for (Box box : candidates(x, y, width)) {
      double cost = outside(box);
      for (Box other : taken) {
        cost += box.overlap(other);
      }
      if (cost < least) {
        least = cost;
        best = box;
      }
    }
    taken.add(best);
    return new Place(best.x, best.y + HEIGHT - 3.2);
  }

  private static List<Box> candidates(double x, double y, double width) {
    double middle = y - HEIGHT / 2;
    List<Box> boxes = new ArrayList<>();
    for (double shift : new double[] {0, -HEIGHT, HEIGHT, -2 * HEIGHT, 2 * HEIGHT}) {
      boxes.add(new Box(x + GAP, middle + shift, width, HEIGHT));
      boxes.add(new Box(x - GAP - width, middle + shift, width, HEIGHT));
      boxes.add(new Box(x - width / 2, middle + shift - GAP - 3, width, HEIGHT));
      boxes.add(new Box(x - width / 2, middle + shift + GAP + 3, width, HEIGHT));
    }
    return boxes;
  }

  private double outside(Box box) {
    double over =
        Math.max(0, left - box.x)
            + Math.max(0, box.x + box.width - right - 10)
            + Math.max(0, Plot.TOP - box.y)
            + Math.max(0, box.y + box.height - bottom);
    return 100 * over;
  }
}
