package io.github.dl4jjepa.examples.analysis;

import java.math.BigDecimal;
import java.math.RoundingMode;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.None;

/** The ticks of an axis: few, with as many digits in their labels as tell them apart. */
final class Ticks {
    private static final int X_SPACING = 110;
    private static final int Y_SPACING = 70;

    private Ticks() {}

    /**
     * Has the x axis reach from one number to another. To be called when the chart has a series.
     */
    static void onX(XYChart chart, double min, double max) {
        // XChart labels equally spaced values themselves, as many as there is room for. With this
        // one, of a line that is a point and not seen, they are not equally spaced.
        double y = chart.getSeriesMap().values().iterator().next().getYData()[0];
        chart.addSeries("ticks", new double[] {min + 0.371 * (max - min)}, new double[] {y})
                .setMarker(new None())
                .setShowInLegend(false);
        chart.getStyler()
                .setXAxisMin(min)
                .setXAxisMax(max)
                .setXAxisTickMarkSpacingHint(X_SPACING)
                .setxAxisTickLabelsFormattingFunction(value -> label(value, max - min));
    }

    /** Has the y axis reach from one number to another. */
    static void onY(XYChart chart, double min, double max) {
        chart.getStyler()
                .setYAxisMin(min)
                .setYAxisMax(max)
                .setYAxisTickMarkSpacingHint(Y_SPACING)
                .setyAxisTickLabelsFormattingFunction(value -> label(value, max - min));
    }

    /**
     * The label of a tick. Two ticks have the same one only if they are less than a hundredth of
     * the axis apart.
     *
     * @param range the length of the axis
     */
    static String label(double value, double range) {
        int digits = 2 - (int) Math.floor(Math.log10(range));
        BigDecimal rounded = BigDecimal.valueOf(value).setScale(digits, RoundingMode.HALF_EVEN);
        return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
    }
}
