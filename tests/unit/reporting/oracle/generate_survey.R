# Raking and what it costs, by another implementation: R's package survey.
#
#   Rscript tests/unit/reporting/oracle/generate_survey.R > tests/unit/reporting/oracle/r_survey.json
#
# The versions of R and of survey are written into the file. Numbers keep 17 digits. The cells of the
# made-up frames stand in the file, so that nothing has to be drawn again.

suppressMessages(library(survey))

number <- function(v) ifelse(v == round(v), sprintf("%.0f", v), sprintf("%.17g", v))
object <- function(v) paste0("{", paste(sprintf("\"%s\": %s", names(v), v), collapse = ", "), "}")
many <- function(v) paste0("[", paste(v, collapse = ", "), "]")
quoted <- function(v) sprintf("\"%s\"", v)

# `data` has a row a person: the variables, answered, applied, matched.
figures <- function(data, variables) {
  answered <- data[data$answered, ]
  start <- svydesign(ids = ~1, data = answered, weights = rep(nrow(data) / nrow(answered), nrow(answered)))
  forms <- lapply(variables, function(v) as.formula(paste0("~", v)))
  margins <- lapply(variables, function(v) {
    found <- as.data.frame(table(data[[v]]), stringsAsFactors = FALSE)
    names(found) <- c(v, "Freq")
    found
  })
  raked <- rake(start, forms, margins, control = list(maxit = 20000, epsilon = 1e-12))
  first <- postStratify(start, forms[[1]], margins[[1]])
  applicants <- subset(raked, applied)
  # a raked design keeps those outside the subset, without weight
  w <- weights(applicants)[weights(applicants) > 0]
  rate <- unname(coef(svymean(~matched, applicants)))
  c(n_frame = number(nrow(data)), n_respondents = number(nrow(answered)),
    n_applicants = number(length(w)), n_matched = number(sum(answered$matched)),
    unweighted_rate = number(unname(coef(svymean(~matched, subset(start, applied))))),
    poststratified_on_first_var = number(unname(coef(svymean(~matched, subset(first, applied))))),
    raked_rate = number(rate), raked_applicant_total = number(unname(coef(svytotal(~one, applicants)))),
    raked_weight_min = number(min(weights(raked))), raked_weight_max = number(max(weights(raked))),
    # the variance of a constant-variance mean under these weights, over that of a simple sample
    kish_design_effect_applicants = number(1 + mean((w - mean(w))^2) / mean(w)^2),
    kish_effective_n_applicants = number(sum(w)^2 / sum(w^2)))
}

cases <- character()
panel <- read.csv("marketplace/reporting/data/sample_panel.csv", stringsAsFactors = FALSE,
                  colClasses = "character")
panel <- panel[panel$disposition != "NE", ]
panel$one <- 1
panel$answered <- panel$match_items_answered == "1"
panel$applied <- panel$answered & panel$certified_rol == "1"
panel$matched <- as.numeric(panel$applied & panel$main_result == "matched_pgy1")
for (variables in list(c("img_type", "specialty", "modality", "grad_band"), c("specialty", "grad_band"))) {
  cases <- c(cases, object(c(
    panel = "true", variables = many(quoted(variables)), answer = object(figures(panel, variables)))))
}

set.seed(20270405)
for (skew in c(0.5, 1.5, 3)) {
  n <- 900
  made <- data.frame(a = sample(c("u", "v"), n, TRUE, c(0.7, 0.3)),
                     b = sample(c("im", "fm", "peds", "psych"), n, TRUE, c(0.5, 0.25, 0.15, 0.1)),
                     c = sample(c("0-2", "3-5", "6+"), n, TRUE), one = 1)
  lean <- (made$a == "v") + (made$b == "peds") - (made$c == "6+")
  made$answered <- runif(n) < plogis(skew * (lean - 0.5))
  made$applied <- made$answered & runif(n) < 0.8
  made$matched <- as.numeric(made$applied & runif(n) < plogis(0.3 + 0.5 * lean))
  cells <- aggregate(one ~ a + b + c + answered + applied + matched, made, sum)
  rows <- apply(cells, 1, function(r) many(c(
    quoted(r[["a"]]), quoted(r[["b"]]), quoted(r[["c"]]), tolower(trimws(r[["answered"]])),
    tolower(trimws(r[["applied"]])), ifelse(as.numeric(r[["matched"]]) == 1, "true", "false"),
    as.numeric(r[["one"]]))))
  variables <- c("a", "b", "c")
  cases <- c(cases, object(c(variables = many(quoted(variables)), cells = many(rows),
                             answer = object(figures(made, variables)))))
}
cat(sprintf("{\n\"r\": \"%s\",\n\"survey\": \"%s\",\n\"cases\": [\n%s\n]\n}\n", R.version.string,
            packageVersion("survey"), paste(cases, collapse = ",\n")))
