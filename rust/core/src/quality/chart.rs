//! The report as a picture: a plain SVG.

use std::fmt::Write as _;

use super::report::Report;

const SIDE: f64 = 320.0;
const MARGIN: f64 = 48.0;

impl Report<'_> {
    /// Two panels: the advantage kept by the share of calls (with its margin, chance dashed), and for the two models the
    /// grades observed by the probability predicted.
    pub fn to_svg(&self) -> String {
        let mut out = String::new();
        let width = 2.0 * SIDE + 3.0 * MARGIN;
        let height = SIDE + 2.0 * MARGIN + 24.0;
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
             font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
        );
        let left = Panel { x: MARGIN, y: MARGIN };
        left.frame(&mut out, "calls to the strong model", "advantage kept");
        self.kept(left, &mut out);
        let right = Panel { x: SIDE + 2.0 * MARGIN, y: MARGIN };
        right.frame(&mut out, "predicted probability of a good answer", "observed");
        for (model, colour) in self.model.models.iter().filter_map(|model| {
            let colour = if model.name == self.strong { "#1b6" } else { "#c52" };
            (model.name == self.strong || model.name == self.weak).then_some((model, colour))
        }) {
            for (share, grade, _) in &model.reliability {
                let (x, y) = right.at(f64::from(*share), f64::from(*grade));
                let _ = write!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>");
            }
        }
        let _ = write!(out, "<text x=\"{MARGIN}\" y=\"24\">{}</text>", escaped(&self.sentence()));
        let foot = height - 10.0;
        let _ = write!(
            out,
            "<text x=\"{MARGIN}\" y=\"{foot}\">area {:.3}, {} rows not seen; <tspan fill=\"#1b6\">{}</tspan> and \
             <tspan fill=\"#c52\">{}</tspan></text></svg>",
            self.curve.apgr,
            self.curve.rows,
            escaped(&self.strong),
            escaped(&self.weak)
        );
        out
    }

    fn kept(&self, panel: Panel, out: &mut String) {
        let ends = |low: f64| {
            std::iter::once((0.0, low))
                .chain((1..).zip(&self.curve.kept).map(|(at, kept)| (f64::from(at) / 10.0, kept.0)))
                .chain([(1.0, 1.0)])
        };
        if self.curve.kept.is_empty() {
            return;
        }
        let mut points = String::new();
        for (share, kept) in ends(0.0) {
            let (x, y) = panel.at(share, kept);
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        for (at, (kept, error)) in (1..).zip(&self.curve.kept) {
            let (x, high) = panel.at(f64::from(at) / 10.0, kept + 1.96 * error);
            let (_, low) = panel.at(f64::from(at) / 10.0, kept - 1.96 * error);
            let _ = write!(out, "<path d=\"M{x:.1} {low:.1}V{high:.1}\" stroke=\"#9bd\" stroke-width=\"6\"/>");
        }
        let _ =
            write!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"#15a\" stroke-width=\"2\"/>", points.trim());
    }
}

#[derive(Clone, Copy)]
struct Panel {
    x: f64,
    y: f64,
}

impl Panel {
    fn at(self, across: f64, up: f64) -> (f64, f64) {
        (self.x + across.clamp(0.0, 1.0) * SIDE, self.y + (1.0 - up.clamp(0.0, 1.05)) * SIDE)
    }

    fn frame(self, out: &mut String, across: &str, up: &str) {
        let (left, bottom) = self.at(0.0, 0.0);
        let (right, top) = self.at(1.0, 1.0);
        let _ = write!(
            out,
            "<path d=\"M{left} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"#333\"/>\
             <path d=\"M{left} {bottom}L{right} {top}\" stroke=\"#999\" stroke-dasharray=\"4 4\"/>\
             <text x=\"{left}\" y=\"{}\">{across}: 0 to 100%</text><text x=\"{left}\" y=\"{}\">{up}: 0 to 100%</text>",
            bottom + 18.0,
            top - 6.0
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
