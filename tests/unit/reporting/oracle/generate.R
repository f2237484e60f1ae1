# Figures of an independent implementation: base R.
#
#   Rscript tests/unit/reporting/oracle/generate.R > tests/unit/reporting/oracle/r_figures.json
#
# The version of R is written into the file. Numbers keep 17 digits.

text <- function(v) {
  if (is.null(v)) return("null")
  if (is.list(v)) {
    body <- vapply(v, text, "")
    if (is.null(names(v))) return(paste0("[", paste(body, collapse = ", "), "]"))
    return(paste0("{", paste(sprintf("\"%s\": %s", names(v), body), collapse = ", "), "}"))
  }
  if (length(v) > 1) return(paste0("[", paste(vapply(v, text, ""), collapse = ", "), "]"))
  if (is.character(v)) return(sprintf("\"%s\"", v))
  if (is.na(v) || !is.finite(v)) return("null")
  if (v == round(v) && abs(v) < 1e15) return(sprintf("%.0f", v))
  sprintf("%.17g", v)
}

pairs <- list(c(0, 1), c(1, 1), c(0, 10), c(10, 10), c(1, 10), c(5, 10), c(9, 10), c(60, 81),
              c(26, 35), c(34, 46), c(3, 400), c(397, 400), c(9045, 14772), c(5864, 10024),
              c(1, 100000), c(64000, 100000))
levels <- c(0.8, 0.9, 0.95, 0.99)

intervals <- list()
for (p in pairs) for (level in levels) {
  score <- suppressWarnings(prop.test(p[1], p[2], conf.level = level, correct = FALSE))$conf.int
  exact <- binom.test(p[1], p[2], conf.level = level)$conf.int
  # at 0 and n R gives one-sided limits to prop.test's root only; ends are exact there
  intervals[[length(intervals) + 1]] <- list(
    x = p[1], n = p[2], conf = level,
    wilson = c(score[1], score[2]), clopper_pearson = c(exact[1], exact[2]))
}

binomials <- list()
for (p in pairs) for (p0 in c(0.001, 0.25, 0.5, 0.585, 0.612, 0.67, 0.99)) {
  binomials[[length(binomials) + 1]] <- list(
    x = p[1], n = p[2], p0 = p0,
    p_two_sided = binom.test(p[1], p[2], p0)$p.value,
    p_greater = binom.test(p[1], p[2], p0, alternative = "greater")$p.value,
    p_less = binom.test(p[1], p[2], p0, alternative = "less")$p.value)
}

families <- list(
  c(a = 0.01, b = 0.04, c = 0.03), c(a = 0.5), c(a = 0.02, b = 0.02, c = 0.02, d = 0.9),
  c(all = 0.016701573912839150, us_img = 0.47236521, non_us_img = 0.036126534537648324),
  c(a = 0, b = 1, c = 0.2, d = 0.0001))
holms <- lapply(families, function(f) {
  list(p_values = as.list(f), adjusted = as.list(p.adjust(f, "holm")))
})

quads <- list(c(26, 35, 34, 46), c(60, 81, 8985, 14691), c(0, 10, 5, 12), c(10, 10, 3, 9),
              c(7, 10, 7, 10), c(1, 200, 12, 190), c(120, 287, 150, 300), c(3, 5, 2000, 9000),
              c(450, 1000, 640, 1000), c(5, 5, 0, 4))
twos <- list()
for (q in quads) {
  table <- matrix(c(q[1], q[2] - q[1], q[3], q[4] - q[3]), nrow = 2)
  score <- suppressWarnings(prop.test(c(q[1], q[3]), c(q[2], q[4]), correct = FALSE))
  one <- suppressWarnings(prop.test(q[1], q[2], correct = FALSE))$conf.int
  two <- suppressWarnings(prop.test(q[3], q[4], correct = FALSE))$conf.int
  p1 <- q[1] / q[2]
  p2 <- q[3] / q[4]
  ratio <- p1 / p2
  half <- qnorm(0.975) * sqrt(1 / q[1] - 1 / q[2] + 1 / q[3] - 1 / q[4])
  twos[[length(twos) + 1]] <- list(
    x1 = q[1], n1 = q[2], x2 = q[3], n2 = q[4],
    diff = p1 - p2,
    newcombe_lower = (p1 - p2) - sqrt((p1 - one[1])^2 + (two[2] - p2)^2),
    newcombe_upper = (p1 - p2) + sqrt((one[2] - p1)^2 + (p2 - two[1])^2),
    fisher_p_two_sided = fisher.test(table)$p.value,
    score_chi2 = unname(score$statistic), score_p_two_sided = score$p.value,
    risk_ratio = ratio,
    rr_katz_lower = if (q[1] > 0 && q[3] > 0) ratio * exp(-half) else NA,
    rr_katz_upper = if (q[1] > 0 && q[3] > 0) ratio * exp(half) else NA)
}

# raking by loglin(), which fits margins to the frame's from the respondents' table as its start
panel <- read.csv("marketplace/reporting/data/sample_panel.csv", stringsAsFactors = FALSE,
                  colClasses = "character")
rake <- function(data, variables) {
  answered <- data[data$match_items_answered == "1", ]
  factors <- lapply(variables, function(v) sort(unique(data[[v]])))
  tab <- function(d) table(mapply(function(v, l) factor(d[[v]], levels = l), variables, factors,
                                  SIMPLIFY = FALSE))
  frame <- tab(data)
  start <- tab(answered)
  fit <- loglin(frame, as.list(seq_along(variables)), start = start + 0, fit = TRUE,
                eps = 1e-11, iter = 20000, print = FALSE)$fit
  weights <- fit / start
  index <- as.matrix(mapply(function(v, l) match(answered[[v]], l), variables, factors))
  w <- weights[index]
  applied <- answered$certified_rol == "1"
  matched <- applied & answered$main_result == "matched_pgy1"
  first <- table(data[[variables[1]]]) / table(answered[[variables[1]]])
  v <- as.numeric(first[answered[[variables[1]]]])
  rate <- sum(w[matched]) / sum(w[applied])
  deff <- sum(applied) * sum(w[applied]^2) / sum(w[applied])^2
  effective <- sum(applied) / deff
  z <- qnorm(0.975)
  centre <- (rate + z^2 / (2 * effective)) / (1 + z^2 / effective)
  half <- z / (1 + z^2 / effective) * sqrt(rate * (1 - rate) / effective + z^2 / (4 * effective^2))
  list(n_frame = nrow(data), n_respondents = nrow(answered), n_applicants = sum(applied),
       n_matched = sum(matched), unweighted_rate = sum(matched) / sum(applied),
       poststratified_on_first_var = sum(v[matched]) / sum(v[applied]),
       raked_rate = rate, raked_applicant_total = sum(w[applied]),
       raked_weight_min = min(w), raked_weight_max = max(w),
       kish_design_effect_applicants = deff, kish_effective_n_applicants = effective,
       wilson_on_effective_n = c(centre - half, centre + half))
}
eligible <- panel[panel$disposition != "NE", ]
weights <- list()
sets <- list(c("img_type", "specialty", "modality", "grad_band"), c("specialty", "modality"),
             c("grad_band"))
for (set in sets) {
  weights[[length(weights) + 1]] <- list(
    filter = "disposition!=NE", variables = as.list(set), answer = rake(eligible, set))
}
for (type in c("us_img", "non_us_img")) {
  set <- c("specialty", "modality", "grad_band")
  weights[[length(weights) + 1]] <- list(
    filter = paste0("img_type==", type), variables = as.list(set),
    answer = rake(panel[panel$img_type == type, ], set))
}

cat("{\n", sep = "")
sections <- list(intervals = intervals, binomials = binomials, holm = holms,
                 two_proportions = twos, weighting = weights)
cat(sprintf("\"r\": \"%s\"", R.version.string))
for (name in names(sections)) {
  rows <- vapply(sections[[name]], text, "")
  cat(sprintf(",\n\"%s\": [\n%s\n]", name, paste(rows, collapse = ",\n")))
}
cat("\n}\n")
