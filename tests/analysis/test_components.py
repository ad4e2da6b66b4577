"""Seeds and patients in one interval, against published figures of readers and cases.

Van Dyke's data: 5 readers, 2 techniques, 114 patients (Van Dyke et al. 1993). What R's MRMCaov (Smith & Hillis) prints
for it with jackknifed covariances, and the AUROCs behind it as RJafroc prints them.
"""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from qcxr.analysis.components import Estimate, bounded, estimate, over_both

SPIN_ECHO = np.array([0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066])
CINE = np.array([0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169])
COV2, COV3 = 0.0003440748, 0.0002390284


def test_difference_of_two_techniques_is_mrmcaovs():
    gaps = SPIN_ECHO - CINE
    assert gaps.var(ddof=1) / 2 == pytest.approx(0.0005510306, rel=1e-6)  # MS(T:R)
    found = over_both(
        float(gaps.mean()), seed_variance=float(gaps.var(ddof=1)), n_seeds=5, shared_variance=2 * (COV2 - COV3)
    )
    assert found.value == pytest.approx(-0.04380032, abs=1e-8)
    assert found.se == pytest.approx(0.02074862, rel=1e-6)
    assert found.df == pytest.approx(15.25967, rel=1e-5)
    assert (found.low, found.high) == pytest.approx((-0.0879594986, 0.0003588544), abs=1e-7)
    assert found.p == pytest.approx(0.05166569, rel=1e-5)


@pytest.mark.parametrize(
    ("readers", "cov2", "expected"),
    [
        (SPIN_ECHO, 0.0004839618, (0.8970370, 0.03317360, 12.74465, 0.8252236, 0.9688505)),
        (CINE, 0.0002041879, (0.9408374, 0.02156637, 12.71019, 0.8941378, 0.9875369)),
    ],
)
def test_one_technique_alone_is_mrmcaovs(readers, cov2, expected):
    found = over_both(float(readers.mean()), seed_variance=float(readers.var(ddof=1)), n_seeds=5, shared_variance=cov2)
    assert (found.value, found.se, found.df, found.low, found.high) == pytest.approx(expected, rel=1e-5)


def test_patients_of_few_degrees_of_freedom_widen_it():
    """With a seed part of 0 the interval is the patients' t interval; with both, df lies between the two."""
    sure = over_both(0.01, seed_variance=0.0, n_seeds=5, shared_variance=1e-4, patients_df=9.0)
    reach = stats.t.ppf(0.975, 9) * 0.01
    assert (sure.low, sure.high, sure.df) == pytest.approx((0.01 - reach, 0.01 + reach, 9))
    both = over_both(0.01, seed_variance=5e-4, n_seeds=5, shared_variance=1e-4, patients_df=9.0)
    assert both.df == pytest.approx(4e-8 / (1e-8 / 4 + 1e-8 / 9))


def test_the_whole_is_never_below_the_patients_alone():
    keys = {"seed_variance": 1e-9, "n_seeds": 3, "shared_variance": 1e-4, "patients_df": 100.0}
    assert over_both(0.0, **keys).se == pytest.approx(0.01, rel=1e-4)
    assert over_both(0.0, **keys, patients_variance=1.5e-4).se == pytest.approx(np.sqrt(1.5e-4))
    assert over_both(0.0, **keys, patients_variance=0.9e-4) == over_both(0.0, **keys)
    below = over_both(0.0, **keys | {"shared_variance": -1e-5})  # an estimate below 0 counts as 0
    assert below == over_both(0.0, **keys | {"shared_variance": 0.0})


def test_one_seed_has_no_interval():
    assert np.isnan(over_both(0.3, seed_variance=np.nan, n_seeds=1, shared_variance=1e-4).se)
    assert np.isnan(estimate(0.3, 0.0).low) and np.isnan(estimate(np.nan, 1.0).se)


def test_a_bounded_interval_stays_between_0_and_1_and_is_the_logits():
    near = bounded(estimate(0.98, 0.02**2, 9.0))
    assert near.low < 0.98 < near.high < 1 and 0.98 - near.low > near.high - 0.98
    assert estimate(0.98, 0.02**2, 9.0).high > 1
    # by change of variable: the t density of logit(x) about logit(.98), integrated over the interval
    scale = 0.02 / (0.98 * 0.02)

    def density(x):
        return stats.t.pdf((np.log(x / (1 - x)) - np.log(49)) / scale, 9) / (scale * x * (1 - x))

    assert integrate.quad(density, near.low, near.high)[0] == pytest.approx(0.95, abs=1e-6)
    tail = optimize.brentq(lambda x: integrate.quad(density, x, 1 - 1e-12)[0] - 0.025, 0.98, 0.9999)
    assert near.high == pytest.approx(tail, abs=1e-6)
    assert np.isnan(bounded(Estimate(0.7)).low)
    assert bounded(estimate(1.0, 1e-4)).high > 1  # no logit of 1: as it is
