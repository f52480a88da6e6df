package io.github.dl4jjepa.examples.report;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Curves over the steps of a run, as SVG inside HTML. Drawn without AWT, which needs fonts. */
final class LineChart {
    private static final int WIDTH = 520;
    private static final int HEIGHT = 220;
    private static final int LEFT = 56;
    private static final int RIGHT = 12;
    private static final int TOP = 10;
    private static final int BOTTOM = 24;
    private static final int TICKS = 5;

    /** The most points of a curve; each is the mean of as many steps as make so few. */
    private static final int POINTS = 400;

    /** Curves with fewer points have them marked. */
    private static final int MARKED = 40;

    /** A value at a step. */
    record Point(double step, double value) {}

    /** A named curve of one point or more, by step. */
    record Series(String name, List<Point> points) {}

    private final String title;
    private final List<Series> series;
    private final double maxStep;
    private double low = Double.POSITIVE_INFINITY;
    private double high = Double.NEGATIVE_INFINITY;

    /**
     * @param title what is drawn
     * @param series one curve or more
     * @param maxStep where the x axis ends
     */
    LineChart(String title, List<Series> series, double maxStep) {
        this.title = title;
        this.series = series.stream().map(LineChart::thinned).toList();
        this.maxStep = Math.max(1, maxStep);
        for (Series curve : this.series) {
            for (Point point : curve.points()) {
                low = Math.min(low, point.value());
                high = Math.max(high, point.value());
            }
        }
        if (low == high) {
            double margin = Math.abs(low) / 10;
            low -= margin;
            high += margin == 0 ? 1 : margin;
        }
    }

    private static Series thinned(Series curve) {
        int together = (curve.points().size() + POINTS - 1) / POINTS;
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < curve.points().size(); i += together) {
            List<Point> part =
                    curve.points().subList(i, Math.min(i + together, curve.points().size()));
            points.add(
                    new Point(
                            part.stream().mapToDouble(Point::step).average().orElseThrow(),
                            part.stream().mapToDouble(Point::value).average().orElseThrow()));
        }
        return new Series(curve.name(), points);
    }

    /** The chart as a {@code figure} with its title and the names of the curves. */
    String html() {
        StringBuilder html = new StringBuilder("<figure><figcaption><b>");
        html.append(Html.escape(title)).append("</b>");
        for (int i = 0; i < series.size(); i++) {
            html.append(" <span class=\"key s")
                    .append(i)
                    .append("\">&#9644; ")
                    .append(Html.escape(series.get(i).name()))
                    .append("</span>");
        }
        html.append("</figcaption>");
        html.append(format("<svg viewBox=\"0 0 %d %d\" role=\"img\">", WIDTH, HEIGHT));
        html.append("<title>").append(Html.escape(title)).append("</title>");
        for (double tick : ticks(low, high)) {
            double y = y(tick);
            html.append(
                    format(
                            "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
                                    + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                            LEFT, y, WIDTH - RIGHT, y, LEFT - 6, y + 4, label(tick, high - low)));
        }
        for (double tick : ticks(0, maxStep)) {
            if (tick == Math.rint(tick)) {
                html.append(
                        format(
                                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                                x(tick), HEIGHT - 6, label(tick, maxStep)));
            }
        }
        for (int i = 0; i < series.size(); i++) {
            draw(series.get(i).points(), i, html);
        }
        return html.append("</svg></figure>").toString();
    }

    private void draw(List<Point> points, int color, StringBuilder html) {
        html.append(format("<polyline class=\"s%d\" points=\"", color));
        points.forEach(
                point -> html.append(format("%.1f,%.1f ", x(point.step()), y(point.value()))));
        html.append("\"/>");
        if (points.size() < MARKED) {
            for (Point point : points) {
                html.append(
                        format(
                                "<circle class=\"s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>",
                                color, x(point.step()), y(point.value())));
            }
        }
    }

    private double x(double step) {
        return LEFT + step / maxStep * (WIDTH - LEFT - RIGHT);
    }

    private double y(double value) {
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
    }

    /** Round numbers in a range: multiples of 1, 2 or 5 times a power of ten. */
    static List<Double> ticks(double from, double to) {
        double power = Math.pow(10, Math.floor(Math.log10((to - from) / TICKS)));
        double step = power;
        for (int factor : new int[] {1, 2, 5, 10}) {
            step = factor * power;
            if ((to - from) / step <= TICKS) {
                break;
            }
        }
        List<Double> ticks = new ArrayList<>();
        for (double i = Math.ceil(from / step); i * step <= to; i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    private static String label(double value, double range) {
        double largest = Math.max(Math.abs(value), range);
        if (value != 0 && (largest < 1e-3 || largest >= 1e6)) {
            return format("%.1e", value);
        }
        int digits = Math.max(0, 1 - (int) Math.floor(Math.log10(range)));
        return BigDecimal.valueOf(value)
                .setScale(digits, RoundingMode.HALF_EVEN)
                .stripTrailingZeros()
                .toPlainString();
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
