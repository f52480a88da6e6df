package io.github.dl4jjepa.examples.analysis;

import io.github.dl4jjepa.models.finetuning.LearningRateSearch;
import io.github.dl4jjepa.models.finetuning.SweepResult;
import java.awt.Color;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.None;

/** The figures of a sweep and of a search for a learning rate. */
public final class SweepFigures {
    private static final int WIDTH = 700;
    private static final int HEIGHT = 500;

    /** From pale to dark, so that a gray print keeps the order; not too dark for black letters. */
    private static final Color[] COLORS = {
        new Color(0xf7fbff), new Color(0xc6dbef), new Color(0x6baed6)
    };

    private static final MathContext DIGITS = new MathContext(4);

    private SweepFigures() {}

    /** A setting with its values. */
    private record Axis(String name, List<String> values) {
        String valueIn(SweepResult.Arm arm) {
            return String.valueOf(arm.settings().get(name));
        }
    }

    /**
     * Draws a heat map of two settings, as Figure 7 of the paper has k and lambda; one for each
     * combination of the other settings.
     *
     * @param grid the settings with their values; without two that have several, nothing is drawn
     * @param folder for the figures; those that are there are drawn again
     * @return the figures' names
     */
    public static List<String> heatMaps(
            SweepResult sweep, Map<String, List<String>> grid, Path folder) {
        List<Axis> axes =
                grid.entrySet().stream()
                        .filter(axis -> axis.getValue().size() > 1)
                        .map(axis -> new Axis(axis.getKey(), axis.getValue()))
                        .toList();
        if (axes.size() < 2) {
            return List.of();
        }
        Axis x = axes.get(0);
        Axis y = axes.get(1);
        Map<String, List<SweepResult.Arm>> maps = new LinkedHashMap<>();
        for (SweepResult.Arm arm : sweep.arms()) {
            if (arm.settings().keySet().equals(grid.keySet()) && arm.succeeded()) {
                String others =
                        arm.settings().entrySet().stream()
                                .filter(
                                        entry ->
                                                axes.stream()
                                                        .skip(2)
                                                        .anyMatch(
                                                                axis ->
                                                                        axis.name()
                                                                                .equals(
                                                                                        entry
                                                                                                .getKey())))
                                .map(entry -> entry.getKey() + " = " + entry.getValue())
                                .collect(Collectors.joining(", "));
                maps.computeIfAbsent(others, key -> new ArrayList<>()).add(arm);
            }
        }
        FigureFolder figures = FigureFolder.at(folder);
        maps.forEach(
                (others, arms) -> {
                    String name =
                            "sweep" + (maps.size() == 1 ? "" : "-" + (figures.names().size() + 1));
                    heatMap(sweep.metric(), others, x, y, arms, figures, name);
                });
        return figures.names();
    }

    private static void heatMap(
            String metric,
            String others,
            Axis x,
            Axis y,
            List<SweepResult.Arm> arms,
            FigureFolder figures,
            String name) {
        HeatMapChart chart =
                new HeatMapChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title("Validation " + metric + (others.isEmpty() ? "" : ", " + others))
                        .xAxisTitle(x.name())
                        .yAxisTitle(y.name())
                        .build();
        List<Number[]> cells = new ArrayList<>();
        List<String> rows = new ArrayList<>();
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        for (SweepResult.Arm arm : arms) {
            double mean = rounded(arm.mean(metric).orElseThrow());
            least = Math.min(least, mean);
            most = Math.max(most, mean);
            String atX = x.valueIn(arm);
            String atY = y.valueIn(arm);
            cells.add(new Number[] {x.values().indexOf(atX), y.values().indexOf(atY), mean});
            rows.add(atX + "," + atY + "," + arm.mean(metric).orElseThrow());
        }
        chart.addSeries(metric, x.values(), y.values(), cells);
        chart.getStyler()
                .setRangeColors(COLORS)
                .setMin(least)
                .setMax(most > least ? most : least + 1)
                .setShowValue(true);
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        figures.write(name, chart, x.name() + "," + y.name() + "," + metric, rows);
    }

    /** XChart writes all digits of a cell's number. */
    private static double rounded(double value) {
        return BigDecimal.valueOf(value).round(DIGITS).doubleValue();
    }

    /**
     * Draws the losses of a search for a learning rate.
     *
     * @param folder new or empty
     */
    public static void learningRate(LearningRateSearch search, Path folder) {
        FigureFolder figures = FigureFolder.vacant(folder);
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(
                                String.format(
                                        Locale.ROOT,
                                        "Loss of steps with a rising learning rate; steepest at %.1e",
                                        search.suggested()))
                        .xAxisTitle("learning rate, logarithm to base 10")
                        .yAxisTitle("loss")
                        .build();
        double[] rates =
                search.points().stream()
                        .mapToDouble(point -> Math.log10(point.learningRate()))
                        .toArray();
        double[] losses =
                search.points().stream().mapToDouble(LearningRateSearch.Point::loss).toArray();
        double[] smoothed =
                search.points().stream()
                        .mapToDouble(LearningRateSearch.Point::smoothedLoss)
                        .toArray();
        chart.addSeries("loss", rates, losses).setMarker(new None());
        chart.addSeries("smoothed", rates, smoothed).setMarker(new None());
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        figures.write(
                "learning-rate",
                chart,
                "learning_rate,loss,smoothed_loss",
                search.points().stream()
                        .map(
                                point ->
                                        point.learningRate()
                                                + ","
                                                + point.loss()
                                                + ","
                                                + point.smoothedLoss())
                        .toList());
    }
}
